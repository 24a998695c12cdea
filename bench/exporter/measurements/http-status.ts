/**
 * Measures the cost of `--collector.http_status`: a saturated nginx with the exporter's default collectors and with
 * this one added, alternately; then the time of a run of the programs that read the status, with and without it.
 */
import { costsBetween, programCosts, withStatistics } from '../counters/bpf-programs.ts';
import { isInstalled } from '../subjects/installed.ts';
import { Nginx, type Saturated } from '../site/nginx.ts';
import { rowsOf, type Row } from '../results.ts';
import { atSite, type Site } from '../site/site.ts';
import { exporterOf, Subject } from '../subjects/subject.ts';

const ROUNDS = 7;
const SECONDS = 2;
const FLAG = '--collector.http_status';
const WITHOUT = 'without it';
/** The variants with and without the flag; undefined: the measured one. */
const VARIANTS = [WITHOUT, undefined] as const;
const PROGRAMS = ['sock_send_length', 'sock_recv_length'] as const;

/** Runs the exporter during `work`, which gets its process. */
async function withExporter<T>(site: Site, variant: string | undefined, work: (pid: number) => Promise<T>): Promise<T> {
  const [program, ...args] = exporterOf(site.fleet);
  const subject = await Subject.start([program, ...args, ...(variant === undefined ? [FLAG] : [])]);
  try {
    return await work(subject.pid);
  } finally {
    await subject.stop();
  }
}

async function loadRows(site: Site, nginx: Nginx): Promise<readonly Row[]> {
  const turns = new Map<string | undefined, Saturated[]>(VARIANTS.map((variant) => [variant, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const variant of VARIANTS) {
      const saturated = await withExporter(site, variant, () => nginx.saturate(SECONDS, { keepAlive: true }));
      turns.get(variant)?.push(saturated);
    }
  }
  const points = (value: (of: Saturated) => number) => new Map([...turns].map(([peer, all]) => [peer, all.map(value)]));
  const perSecond = points(({ requestsPerSecond }) => requestsPerSecond);
  const cpu = points(({ cpuUs }) => cpuUs);
  return [
    ...rowsOf(`saturated nginx, ${FLAG}`, 'requests/s', perSecond),
    ...rowsOf(`processor time of nginx and wrk for a request, ${FLAG}`, 'us', cpu),
  ];
}

/** The mean time of a run, for one send or receive call, in each round; includes the cost of the measurement. */
async function runRows(site: Site, nginx: Nginx): Promise<readonly Row[]> {
  const means = new Map(PROGRAMS.map((name) => [name, new Map<string | undefined, number[]>()]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const variant of VARIANTS) {
      await withExporter(site, variant, async (pid) => {
        const before = programCosts(pid);
        await nginx.saturate(1, { keepAlive: true });
        for (const { name, runs, ns } of costsBetween(before, programCosts(pid))) {
          const points = means.get(name as (typeof PROGRAMS)[number]);
          points?.set(variant, [...(points.get(variant) ?? []), ns / runs]);
        }
      });
    }
  }
  return [...means].flatMap(([name, points]) => rowsOf(`kernel time of a run of ${name}, ${FLAG}`, 'ns', points));
}

export async function measureHttpStatus(): Promise<readonly Row[]> {
  if (![isInstalled('nginx', 'nginx-light'), isInstalled('wrk', 'wrk')].every(Boolean)) return [];
  return await atSite(async (site) => {
    const nginx = await Nginx.start(site);
    try {
      const loaded = await loadRows(site, nginx);
      return [...loaded, ...(await withStatistics(() => runRows(site, nginx)))];
    } finally {
      await nginx.stop();
    }
  });
}
