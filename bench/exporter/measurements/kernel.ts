/**
 * Measures the cost of the BPF programs in nanoseconds: of all programs for a request and for a connection, both ends
 * local, and of a run of each program.
 */
import { median } from '../../../scorer/numeric/statistics.ts';
import { costsBetween, programCosts, totalNs, withStatistics, type ProgramCost } from '../counters/bpf-programs.ts';
import { AS_FAST_AS_POSSIBLE, Load, type Done, type Pace } from '../site/load.ts';
import { rowsOf, type Row } from '../results.ts';
import { atSite, type Site } from '../site/site.ts';
import { exporterOf, Subject } from '../subjects/subject.ts';

const ROUNDS = 5;
const SECONDS = 2;
const REQUESTS: Pace = {
  kept: 10,
  requestsPerSecond: AS_FAST_AS_POSSIBLE,
  connectionsPerSecond: 0,
  seconds: SECONDS,
};
const CONNECTIONS: Pace = {
  kept: 0,
  requestsPerSecond: 0,
  connectionsPerSecond: AS_FAST_AS_POSSIBLE,
  seconds: SECONDS,
};
/** Programs with fewer runs are ignored: these come from other connections of the machine. */
const MIN_RUNS = 1000;

interface Round {
  readonly done: Done;
  readonly costs: readonly ProgramCost[];
}

async function measure(load: Load, pid: number, pace: Pace): Promise<Round> {
  const before = programCosts(pid);
  const done = await load.run(pace);
  return { done, costs: costsBetween(before, programCosts(pid)) };
}

/** Nanoseconds per run, by program. */
function runRows(rounds: readonly Round[]): readonly Row[] {
  const runs = new Map<string, number[]>();
  for (const { name, runs: count, ns } of rounds.flatMap(({ costs }) => costs)) {
    if (count >= MIN_RUNS) runs.set(name, [...(runs.get(name) ?? []), ns / count]);
  }
  return [...runs]
    .sort(([, a], [, b]) => median(b) - median(a))
    .flatMap(([name, values]) => rowsOf(`kernel time of a run of ${name}`, 'ns', own(values)));
}

const own = (values: readonly number[]) => new Map([[undefined, values]]);

/** Of an unknown protocol, then of HTTP/1.1. */
const PROTOCOLS = [
  { of: '', pace: {} },
  { of: ' of HTTP/1.1', pace: { http: true } },
] as const;

async function measureRounds(load: Load, site: Site): Promise<readonly Row[]> {
  const measured = PROTOCOLS.map(({ of, pace }) => ({
    of,
    pace,
    requests: [] as Round[],
    connections: [] as Round[],
  }));
  const subject = await Subject.start(exporterOf(site.fleet));
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const { pace, requests, connections } of measured) {
        requests.push(await measure(load, subject.pid, { ...REQUESTS, ...pace }));
        connections.push(await measure(load, subject.pid, { ...CONNECTIONS, ...pace }));
      }
    }
  } finally {
    await subject.stop();
  }
  const rows = measured.flatMap(({ of, requests, connections }) => {
    const perRequest = requests.map(({ done, costs }) => totalNs(costs) / done.requests);
    const perConnection = connections.map(({ done, costs }) => totalNs(costs) / done.connections);
    return [
      ...rowsOf(`kernel time of a request${of}, both ends local`, 'ns', own(perRequest)),
      ...rowsOf(`kernel time of a connection of one request${of}, both ends local`, 'ns', own(perConnection)),
    ];
  });
  return [...rows, ...runRows(measured.flatMap(({ requests, connections }) => [...requests, ...connections]))];
}

export async function measureKernel(): Promise<readonly Row[]> {
  return atSite((site) => withStatistics(() => Load.during(site, (load) => measureRounds(load, site))));
}
