import { PROGRAM_NAMES, programOf } from '../../exporter/kernel/programs.ts';

const BEGIN = '<!-- Generated from exporter/kernel/programs.ts: npm run generate -->';
const END = '<!-- End of what is generated. -->';

/** What each kernel program costs where it is refused, as a table of a document, between the marks that it holds. */
export function withProgramTable(document: string): string {
  const [before, rest = ''] = document.split(BEGIN);
  const after = rest.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`expected the marks ${BEGIN} and ${END}`);
  const rows = PROGRAM_NAMES.map((name) => {
    const { costs, variants = [] } = programOf(name);
    const losses = Object.entries(costs).map(([collector, loss]) => `\`${collector}\`: ${loss}`);
    const names = [name, ...variants].map((one) => `\`${one}\``).join(' or ');
    return `| ${names} | ${losses.join('; ')} |`;
  });
  return `${before}${BEGIN}\n\n| program refused | what is lost |\n|---|---|\n${rows.join('\n')}\n\n${END}${after}`;
}
