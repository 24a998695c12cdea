import { NOISE, type PatternRun, runPatterns } from '../patterns/accuracy.ts';
import { percent, range, renderRows, type Table } from './results.ts';

/** How often the classifier names the right pattern, clean and with noise. */
export async function patternAccuracy(seeds: number): Promise<Table> {
  const runs: PatternRun[] = [];
  for (let seed = 1; seed <= seeds; seed++) runs.push(await runPatterns(seed));
  const rows = NOISE.map(([noise, paper], index) => [
    noise === 0 ? 'clean' : `noise ${noise}`,
    `${paper} %`,
    range(
      runs.map(({ accuracies }) => accuracies[index] ?? NaN),
      percent,
    ),
  ]);
  const seconds = range(
    runs.map(({ trainingSeconds }) => trainingSeconds),
    (value) => value.toFixed(0),
  );
  return {
    name: 'patterns',
    markdown:
      `Patterns that were not trained on and are named correctly, range over ${seeds} seeds; training takes ${seconds} s. ` +
      `Noise is the standard deviation, in heights of the pattern. The paper has 15 patterns, of which Lorikeet has 7.\n\n` +
      renderRows(['', 'paper', 'measured'], rows),
  };
}
