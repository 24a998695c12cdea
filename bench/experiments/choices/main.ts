/**
 * `npm run bench -- choices <folder>`: compares alternatives in scoring and ranking (docs/adr) on a folder of recorded
 * faults: rankings with and without edges, thresholds, and the number of cycles before an alert.
 */
import { type Flags, parseFlags, renderHelp } from '../../../daemon/flags.ts';
import { type ProgramContext, runProgram } from '../../../daemon/lifecycle.ts';
import { replayRobustZ } from '../../../scorer/backtest/baselines.ts';
import { ratio } from '../../../scorer/backtest/report/columns.ts';
import { type Evaluation, RANKING_CYCLES } from '../../../scorer/backtest/figures.ts';
import type { Replay } from '../../../scorer/backtest/replay.ts';
import { type BacktestSession, openSession } from '../../../scorer/backtest/session.ts';
import type { Ranker } from '../../../scorer/scoring/ranking/root-cause.ts';
import { TRAINING_FLAGS } from '../../../scorer/commands/flags.ts';
import { FOLDER_FLAGS, recordedFolder } from '../../recorded/recorded-folder.ts';
import { writeResults } from '../../results.ts';
import { RANKERS } from './rankers.ts';
import { THRESHOLDS, withThreshold } from './thresholds.ts';

const FLAGS = {
  seed: TRAINING_FLAGS.seed,
  ...FOLDER_FLAGS,
} as const satisfies Flags;

const DEBOUNCES = [
  { above: 1, of: 1 },
  { above: 2, of: 2 },
  { above: 2, of: 3 },
  { above: 3, of: 3 },
  { above: 3, of: 5 },
];

/** An alternative and its results. */
interface Row {
  readonly choice: 'ranking' | 'threshold' | 'debounce';
  readonly edges: boolean;
  readonly way: string;
  readonly at_1?: number;
  readonly at_3?: number;
  readonly at_5?: number;
  readonly recall?: number;
  readonly false_alarms_per_service_day?: number;
  readonly delay_p50_seconds?: number;
}

async function main({ argv, stops }: ProgramContext): Promise<number> {
  const { values, positionals } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run bench -- choices <folder> [flags]', FLAGS));
    return 0;
  }
  const { progress, open } = recordedFolder(positionals, stops);
  const rows: Row[] = [];
  for (const edges of [true, false]) {
    const session = await openSession({ ...(await open({ withoutEdges: !edges })), seed: values.seed });
    stops.onStop('model', () => session.close());
    rows.push(...(await rankings(session, edges)));
    if (edges) rows.push(...(await detections(session)));
  }
  progress.end();
  process.stdout.write(rows.map(renderRow).join(''));
  writeResults('choices', rows);
  return 0;
}

async function rankings(session: BacktestSession, edges: boolean): Promise<Row[]> {
  const { faults } = session;
  const judged = new Set(faults.map(({ first }) => first + RANKING_CYCLES));
  const steps = session.replayed.steps.filter((step) => judged.has(step));
  const ways = Object.entries(RANKERS).map(([way, rank]) => [way, () => replay(session, steps, rank)] as const);
  const rows: Row[] = [];
  for (const [way, run] of [
    ...ways,
    ['anomaly score alone', () => byScore(session, steps)] as const,
    robustZ(session),
  ]) {
    const { at_1, at_3, at_5 } = session.judge(await run()).figures.root_cause;
    rows.push({ choice: 'ranking', edges, way, at_1, at_3, at_5 });
  }
  return rows;
}

function robustZ(session: BacktestSession) {
  const { shape, fleet, pasts, replayed } = session;
  return ['robust z-score', () => Promise.resolve(replayRobustZ(shape, fleet, pasts, replayed))] as const;
}

async function byScore(session: BacktestSession, steps: readonly number[]): Promise<Replay> {
  const replayed = await replay(session, steps);
  const order = (index: number) =>
    [...replayed.scores]
      .map(([key, values]) => ({ key, score: values[index] ?? NaN }))
      .filter(({ score }) => Number.isFinite(score))
      .sort((a, b) => b.score - a.score)
      .map(({ key }) => key);
  return { ...replayed, rankings: new Map(steps.map((step, index) => [step, order(index)])) };
}

async function detections(session: BacktestSession): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [way, threshold] of Object.entries(THRESHOLDS)) {
    const profiles = await withThreshold(session, threshold);
    const judged = await session.replay(way, profiles, session.model.autoencoder);
    rows.push(detectionRow('threshold', way, session.judge(judged)));
  }
  const judged = await replay(session, session.replayed.steps);
  for (const debounce of DEBOUNCES) {
    rows.push(detectionRow('debounce', `${debounce.above} of ${debounce.of} cycles`, session.judge(judged, debounce)));
  }
  return rows;
}

function detectionRow(choice: Row['choice'], way: string, { figures }: Evaluation): Row {
  return {
    choice,
    edges: true,
    way,
    recall: figures.recall,
    false_alarms_per_service_day: figures.false_alarms_per_service_day,
    delay_p50_seconds: figures.delay_seconds.p50,
  };
}

async function replay(session: BacktestSession, steps: readonly number[], rank?: Ranker): Promise<Replay> {
  const { profiles, model } = session;
  return await session.replay('replay', profiles, model.autoencoder, { steps, ...(rank !== undefined && { rank }) });
}

function renderRow(row: Row): string {
  const what =
    row.choice === 'ranking'
      ? [row.at_1, row.at_3, row.at_5].map((share) => ratio(share ?? NaN)).join('/')
      : `${ratio(row.recall ?? NaN)} | ${ratio(row.false_alarms_per_service_day ?? NaN)} | ${(row.delay_p50_seconds ?? NaN).toFixed(0)} s`;
  return `| ${row.choice}${row.edges ? '' : ', no edges'} | ${row.way} | ${what} |\n`;
}

await runProgram('bench-choices', main);
