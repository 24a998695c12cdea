/**
 * Measures the cost of `--collector.http_status`: a saturated nginx with the exporter's default collectors and with
 * this one added, alternately; then the time of the collector's programs per packet.
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
const PROGRAMS = ['http_egress', 'http_ingress'] as const;

/** The exporter's flags. */
async function saturated(site: Site, nginx: Nginx, flags: readonly string[]): Promise<Saturated> {
  const [program, ...args] = exporterOf(site.fleet);
  const subject = await Subject.start([program, ...args, ...flags]);
  try {
    return await nginx.saturate(SECONDS, { keepAlive: true });
  } finally {
    await subject.stop();
  }
}

async function loadRows(site: Site, nginx: Nginx): Promise<readonly Row[]> {
  const turns = new Map<string | undefined, Saturated[]>([
    [undefined, []],
    [WITHOUT, []],
  ]);
  for (let round = 0; round < ROUNDS; round++) {
    turns.get(WITHOUT)?.push(await saturated(site, nginx, []));
    turns.get(undefined)?.push(await saturated(site, nginx, [FLAG]));
  }
  const points = (value: (of: Saturated) => number) => new Map([...turns].map(([peer, all]) => [peer, all.map(value)]));
  const perSecond = points(({ requestsPerSecond }) => requestsPerSecond);
  const cpu = points(({ cpuUs }) => cpuUs);
  return [
    ...rowsOf(`saturated nginx, ${FLAG}`, 'requests/s', perSecond),
    ...rowsOf(`processor time of nginx and wrk for a request, ${FLAG}`, 'us', cpu),
  ];
}

/** The mean time of a run, for one packet, in each round; includes the cost of the measurement. */
async function packetRows(site: Site, nginx: Nginx): Promise<readonly Row[]> {
  const [program, ...args] = exporterOf(site.fleet);
  const subject = await Subject.start([program, ...args, FLAG]);
  const means = new Map<string, number[]>(PROGRAMS.map((name) => [name, []]));
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const before = programCosts(subject.pid);
      await nginx.saturate(1, { keepAlive: true });
      for (const { name, runs, ns } of costsBetween(before, programCosts(subject.pid)))
        means.get(name)?.push(ns / runs);
    }
  } finally {
    await subject.stop();
  }
  return [...means].flatMap(([name, of]) =>
    rowsOf(`kernel time of a run of ${name}, a packet`, 'ns', new Map([[undefined, of]])),
  );
}

export async function measureHttpStatus(): Promise<readonly Row[]> {
  if (![isInstalled('nginx', 'nginx-light'), isInstalled('wrk', 'wrk')].every(Boolean)) return [];
  return await atSite(async (site) => {
    const nginx = await Nginx.start(site);
    try {
      const loaded = await loadRows(site, nginx);
      return [...loaded, ...(await withStatistics(() => packetRows(site, nginx)))];
    } finally {
      await nginx.stop();
    }
  });
}
