import { COLLECTORS } from '../../exporter/collectors/all.ts';
import { namesOf, programsOf } from '../../exporter/kernel/programs.ts';

const BEGIN = '<!-- Generated from exporter/collectors: npm run generate -->';
const END = '<!-- End of the generated table. -->';

/** What each kernel program costs where it is refused, as a table of a document, between the marks that it holds. */
export function withProgramTable(document: string): string {
  const [before, rest = ''] = document.split(BEGIN);
  const after = rest.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`expected the marks ${BEGIN} and ${END}`);
  const rows = programsOf(COLLECTORS).map((program) => {
    const losses = COLLECTORS.flatMap(({ name, programs }) =>
      programs[program] === undefined ? [] : [`\`${name}\`: ${programs[program]}`],
    );
    const names = namesOf(program)
      .map((one) => `\`${one}\``)
      .join(' or ');
    return `| ${names} | ${losses.join('; ')} |`;
  });
  return `${before}${BEGIN}\n\n| program refused | what is lost |\n|---|---|\n${rows.join('\n')}\n\n${END}${after}`;
}
