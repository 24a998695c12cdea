import { COLLECTORS } from '../../exporter/collectors/all.ts';
import { namesOf, programsOf } from '../../exporter/kernel/programs.ts';

const BEGIN = '<!-- Generated from exporter/collectors: npm run generate -->';
const END = '<!-- End of the generated table. -->';

/** The loss without each kernel program, as a table of a document, between the marks that it holds. */
export function withProgramTable(document: string): string {
  const rows = programsOf(COLLECTORS).map((program) => {
    const losses = COLLECTORS.flatMap(({ name, programs }) =>
      programs[program] === undefined ? [] : [`\`${name}\`: ${programs[program]}`],
    );
    const names = namesOf(program)
      .map((one) => `\`${one}\``)
      .join(' or ');
    return [names, losses.join('; ')];
  });
  return withTable(document, [['program refused', 'what is lost'], ...rows]);
}

/** The counters by cgroup, as `withProgramTable`. */
export function withCounterTable(document: string): string {
  const rows = COLLECTORS.flatMap(({ name, offBecause, families = [] }) =>
    families.map((family) => {
      const label = family.labels[0]?.split('=')[0];
      const series = label ? `${family.name}{${label}}` : family.name;
      return [`\`${series}\``, family.help, `\`--${offBecause === undefined ? 'no-' : ''}collector.${name}\``];
    }),
  );
  return withTable(document, [['series', 'counts', 'flag'], ...rows]);
}

/** @param rows the first is the header */
function withTable(document: string, [header = [], ...rows]: readonly (readonly string[])[]): string {
  const [before, rest = ''] = document.split(BEGIN);
  const after = rest.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`expected the marks ${BEGIN} and ${END}`);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = [line(header), `|${'---|'.repeat(header.length)}`, ...rows.map(line)].join('\n');
  return `${before}${BEGIN}\n\n${table}\n\n${END}${after}`;
}
