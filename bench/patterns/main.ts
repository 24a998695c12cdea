/**
 * How well the classifier names the shapes of anomalies that it hasn't seen, clean and with noise, for several seeds of training
 * and of drawing (Nedelkoski, Cardoso and Kao 2019: 100 % clean, 80 % at 0.05, 48 % at 0.1). With --output, trains the one that
 * the scorer ships.
 */
import { writeFileSync } from 'node:fs';
import { type Flags, HELP_FLAG, parseFlags, renderHelp } from '../../daemon/flags.ts';
import { type ProgramContext, runProgram } from '../../daemon/lifecycle.ts';
import { DRAWN, NOISE, runPatterns } from './accuracy.ts';

const FLAGS = {
  seeds: { type: 'number', default: 3, help: 'Number of seeds.' },
  output: { type: 'string', help: 'File for the classifier of the first seed.' },
  ...HELP_FLAG,
} as const satisfies Flags;

async function main({ argv }: ProgramContext): Promise<number> {
  const { values } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run bench -- patterns [flags]', FLAGS));
    return 0;
  }
  process.stdout.write(
    `| seed | training | ${NOISE.map(([noise]) => `noise ${noise}`).join(' | ')} |\n|---|---|---|---|---|\n`,
  );
  const wrong = new Map<string, number>();
  for (let seed = 1; seed <= values.seeds; seed++) {
    const { bytes, trainingSeconds, accuracies, mistakes } = await runPatterns(seed);
    if (seed === 1 && values.output !== undefined) writeFileSync(values.output, bytes);
    for (const [what, count] of mistakes) wrong.set(what, (wrong.get(what) ?? 0) + count);
    const cells = accuracies.map((accuracy) => `${(100 * accuracy).toFixed(1)} %`);
    process.stdout.write(`| ${seed} | ${trainingSeconds.toFixed(0)} s | ${cells.join(' | ')} |\n`);
  }
  const drawn = DRAWN * NOISE.length * values.seeds;
  process.stdout.write('\nMost frequent mistakes, of all that were drawn of a shape:\n');
  for (const [what, count] of [...wrong].sort((a, b) => b[1] - a[1]).slice(0, 5)) {
    process.stdout.write(`${what}: ${((100 * count) / drawn).toFixed(1)} %\n`);
  }
  return 0;
}

await runProgram('bench-patterns', main);
