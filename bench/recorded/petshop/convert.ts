import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { readConfigFile } from '../../../daemon/config-file.ts';
import { CALL_GRAPH, edgeLabels, NAMESPACE, samples } from '../open-metrics.ts';
import type { FaultEntry } from '../recording.ts';
import type { Converted } from '../write-recording.ts';

const SECOND_MS = 1000;
const DAY_MS = 86_400_000;
const INTERVAL_MS = 300_000;
/** Rows above the numbers: component, metric, statistic, and the name of the index. */
const HEAD_ROWS = 4;
const ISSUES = ['train', 'test'];

const targetSchema = z.object({
  target: z.object({ node: z.string(), metric: z.string(), timestamp: z.number() }),
  root_cause: z.object({ node: z.string() }),
});

/** One component's metric. */
interface Column {
  readonly node: string;
  readonly metric: string;
  readonly statistic: string;
  readonly points: (readonly [timeMs: number, value: number])[];
}

interface Issue {
  readonly columns: readonly Column[];
  readonly target: z.output<typeof targetSchema>;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Converts normal time, `noissue/metrics.csv`, and issues that were recorded apart from it, `{train,test}/issue_*`. The
 * issues are moved by whole days to the first time after the normal time, so that all is on one axis, at its time of day.
 */
export function fromPetShop(from: string): Converted {
  const normal = readColumns(join(from, 'noissue', 'metrics.csv'));
  const issues = ISSUES.flatMap((part) =>
    readdirSync(join(from, part)).map((name) => readIssue(join(from, part, name))),
  );
  const normalTo = Math.max(...timesOf(normal));
  const firstIssue = Math.min(...issues.map(({ fromMs }) => fromMs));
  const moved = Math.ceil((normalTo + INTERVAL_MS - firstIssue) / DAY_MS) * DAY_MS;
  const columns = joined([
    ...normal,
    ...issues.flatMap((issue) => issue.columns.map((column) => later(column, moved))),
  ]);
  return {
    settings: { source: basename(from), interval: '5m' },
    features: 'bench/recorded/petshop/features.yaml',
    faults: issues.map((issue) => faultOf(issue, moved)),
    services: series(columns),
    edges: callGraph(join(from, 'graph.csv'), columns),
  };
}

function readIssue(folder: string): Issue {
  const columns = readColumns(join(folder, 'metrics.csv'));
  const times = timesOf(columns);
  return {
    columns,
    target: readConfigFile(join(folder, 'target.json'), targetSchema),
    fromMs: Math.min(...times),
    toMs: Math.max(...times),
  };
}

/** A row has the metrics of the five minutes before its time; the first one of an issue may have begun before the issue. */
function faultOf({ target: { target, root_cause: cause }, fromMs, toMs }: Issue, moved: number): FaultEntry {
  const time = (timeMs: number) => new Date(timeMs + moved).toISOString();
  return {
    start: time(fromMs),
    end: time(toMs),
    namespace: NAMESPACE,
    service: cause.node,
    type: target.metric,
    alarm: {
      namespace: NAMESPACE,
      service: target.node,
      metric: target.metric,
      time: time(target.timestamp * SECOND_MS),
    },
  };
}

/** One column for each component's metric, in time order. */
function joined(columns: readonly Column[]): Column[] {
  const found = new Map<string, Column>();
  for (const column of columns) {
    const name = JSON.stringify([column.node, column.metric, column.statistic]);
    const points = [...(found.get(name)?.points ?? []), ...column.points];
    found.set(name, { ...column, points: points.sort(([a], [b]) => a - b) });
  }
  return [...found.values()];
}

/** All columns of a file have the same rows. */
function timesOf([column]: readonly Column[]): number[] {
  return column?.points.map(([timeMs]) => timeMs) ?? [];
}

function later(column: Column, byMs: number): Column {
  return { ...column, points: column.points.map(([timeMs, value]) => [timeMs + byMs, value] as const) };
}

function readColumns(path: string): Column[] {
  const rows = readRows(path);
  const [nodes = [], metrics = [], statistics = []] = rows;
  return nodes.slice(1).map((node, index) => ({
    node,
    metric: metrics[index + 1] ?? '',
    statistic: statistics[index + 1] ?? '',
    points: rows.slice(HEAD_ROWS).map((row) => {
      const value = row[index + 1] ?? '';
      return [Number(row[0]) * SECOND_MS, value === '' ? NaN : Number(value)] as const;
    }),
  }));
}

function readRows(path: string): string[][] {
  return readFileSync(path, 'utf8')
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => line.split(','));
}

/** A gauge `component_<metric>` with the statistic as a label. */
function* series(columns: readonly Column[]): Generator<string> {
  for (const metric of new Set(columns.map((column) => column.metric))) {
    const name = `component_${metric}`;
    yield `# TYPE ${name} gauge\n`;
    for (const { node, statistic, points } of columns.filter((column) => column.metric === metric)) {
      yield samples(name, { namespace: NAMESPACE, service: node, statistic: statistic.toLowerCase() }, points);
    }
  }
}

/** A caller's row names its callees. */
function* callGraph(path: string, columns: readonly Column[]): Generator<string> {
  const times = new Set(columns.flatMap(({ points }) => points.map(([timeMs]) => timeMs)));
  const ones = [...times].sort((a, b) => a - b).map((timeMs) => [timeMs, 1] as const);
  const [callees = [], ...rows] = readRows(path);
  yield `# TYPE ${CALL_GRAPH} gauge\n`;
  for (const [caller = '', ...cells] of rows) {
    for (const [index, cell] of cells.entries()) {
      if (Number(cell) > 0) yield samples(CALL_GRAPH, edgeLabels(caller, callees[index + 1] ?? ''), ones);
    }
  }
}
