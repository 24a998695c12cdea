/**
 * How well the classifier names the shapes of anomalies that it hasn't seen, clean and with noise, for several seeds of training
 * and of drawing (Nedelkoski, Cardoso and Kao 2019: 100 % clean, 80 % at 0.05, 48 % at 0.1). With --output, trains the one that
 * the scorer ships.
 */
import { writeFileSync } from 'node:fs';
import { type Flags, HELP_FLAG, parseFlags, renderHelp } from '../../daemon/flags.ts';
import { type ProgramContext, runProgram } from '../../daemon/lifecycle.ts';
import { PatternClassifier } from '../../scorer/detectors/pattern/classifier.ts';
import { disturb, drawShape, SHAPES } from '../../scorer/detectors/pattern/shapes.ts';
import { PATTERN_TRAINING, SHIPPED_PATTERNS, trainPatterns } from '../../scorer/detectors/pattern/train.ts';
import { Random } from '../../scorer/numeric/random.ts';

const FLAGS = {
  seeds: { type: 'number', default: 3, help: 'Number of seeds.' },
  output: { type: 'string', help: 'File for the classifier of the first seed.' },
  ...HELP_FLAG,
} as const satisfies Flags;

const NOISE = [0, 0.05, 0.1];
const COUNT = 500;

async function main({ argv }: ProgramContext): Promise<number> {
  const { values } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run bench -- patterns [flags]', FLAGS));
    return 0;
  }
  process.stdout.write(
    `| seed | training | ${NOISE.map((noise) => `noise ${noise}`).join(' | ')} |\n|---|---|---|---|---|\n`,
  );
  const wrong = new Map<string, number>();
  for (let seed = 1; seed <= values.seeds; seed++) {
    const started = performance.now();
    const bytes = await trainPatterns(SHIPPED_PATTERNS, { ...PATTERN_TRAINING, seed });
    const seconds = (performance.now() - started) / 1000;
    if (seed === 1 && values.output !== undefined) writeFileSync(values.output, bytes);
    const classifier = await PatternClassifier.open(bytes);
    const accuracies: string[] = [];
    for (const noise of NOISE) {
      const random = new Random(1000 + seed);
      let right = 0;
      for (const shape of SHAPES) {
        const drawn = Array.from({ length: COUNT }, () => disturb(drawShape(shape, random), random, noise));
        for (const { pattern } of await classifier.classify(drawn)) {
          if (pattern === shape) right++;
          else wrong.set(`${shape} taken for ${pattern}`, (wrong.get(`${shape} taken for ${pattern}`) ?? 0) + 1);
        }
      }
      accuracies.push(`${((100 * right) / (COUNT * SHAPES.length)).toFixed(1)} %`);
    }
    await classifier.close();
    process.stdout.write(`| ${seed} | ${seconds.toFixed(0)} s | ${accuracies.join(' | ')} |\n`);
  }
  const drawn = COUNT * NOISE.length * values.seeds;
  process.stdout.write('\nMost frequent mistakes, of all that were drawn of a shape:\n');
  for (const [what, count] of [...wrong].sort((a, b) => b[1] - a[1]).slice(0, 5)) {
    process.stdout.write(`${what}: ${((100 * count) / drawn).toFixed(1)} %\n`);
  }
  return 0;
}

await runProgram('bench-patterns', main);
