import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../scripts/free-port.ts';
import { type RunningPrometheus, startPrometheus } from '../../testserver/prometheus.ts';
import { serveMetrics } from '../../testserver/exposition.ts';
import { untilValue } from '../../until.ts';
import { IstioShop } from './istio-shop.ts';

const GUIDE = readFileSync('docs/guides/own-features.md', 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'lorikeet-own-features-'));
const stops: (() => void | Promise<void>)[] = [() => rmSync(folder, { recursive: true, force: true })];
const shop = new IstioShop();
const log: string[] = [];
let prometheus: RunningPrometheus;
let scorer: ChildProcess | undefined;

/** The guide's file of this name. */
function file(name: string): string {
  const block = [...GUIDE.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].find(([, text = '']) => text.startsWith(`# ${name}`));
  return block?.[1] ?? '';
}

/** The guide's command that begins with these words, as a list of arguments. */
function command(start: string): string[] {
  const line = GUIDE.split('\n').find((one) => one.startsWith(start));
  if (line === undefined) throw new Error(`the guide has no command ${start}`);
  return line.split(' ');
}

/** Runs a command of the guide in the folder. Not by spawnSync: the exporters are part of this process. */
async function run(start: string): Promise<{ status: number; output: string }> {
  const [program = '', ...args] = command(start);
  const argv = program === 'promtool' ? args : [resolve('dist/lorikeet-scorer.js'), ...args];
  return await new Promise((done) => {
    const child = execFile(
      program === 'promtool' ? program : process.execPath,
      argv,
      { cwd: folder },
      (_error, out, err) => done({ status: child.exitCode ?? -1, output: out + err }),
    );
  });
}

async function query(promql: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
  const response = await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(promql)}`);
  return (
    (await response.json()) as { data: { result: { metric: Record<string, string>; value: [number, string] }[] } }
  ).data.result;
}

const until = <T>(what: string, read: () => Promise<T>, holds: (value: T) => boolean) =>
  untilValue(what, read, holds, { timeoutMs: 90_000, periodMs: 500, seen: () => log.slice(-15).join('\n') });

/** The shop's three exporters, and a Prometheus that scrapes them as the guide says, and loads the guide's rules. */
async function startServers(): Promise<void> {
  let seconds = 0;
  const timer = setInterval(() => shop.advance((seconds += 0.2)), 200);
  stops.push(() => clearInterval(timer));
  const serve = async (render: () => string) => {
    const server = await serveMetrics(render);
    stops.push(() => server.stop());
    return `127.0.0.1:${server.port}`;
  };
  const istio = await serve(() => shop.render('istio'));
  const cadvisor = await serve(() => shop.render('cadvisor'));
  const machines = await Promise.all(
    ['cart', 'catalog', 'payment'].map(async (service) => {
      const target = await serve(() => shop.render('node', service));
      return `      - { targets: ['${target}'], labels: { namespace: shop, service: ${service} } }`;
    }),
  );
  prometheus = await startPrometheus({
    config: `global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: [own-features.rules.yaml, services.alerts.yaml]
scrape_configs:
  - { job_name: istio, static_configs: [{ targets: ['${istio}'] }] }
  - { job_name: cadvisor, honor_labels: true, static_configs: [{ targets: ['${cadvisor}'] }] }
  - job_name: node
    static_configs:
${machines.join('\n')}
`,
    files: {
      'own-features.rules.yaml': readFileSync(join(folder, 'own-features.rules.yaml'), 'utf8').replaceAll(
        'interval: 30s',
        'interval: 1s',
      ),
      'services.alerts.yaml': readFileSync('rules/services.alerts.yaml', 'utf8'),
    },
  });
  stops.push(() => prometheus.stop());
}

// The guide's files and commands, with a second for a minute and a Prometheus of the test's own.
describe('the guide to features of your own', { timeout: 240_000 }, () => {
  beforeAll(() => {
    writeFileSync(join(folder, 'features.yaml'), file('features.yaml').replace('[2m, 5m, 15m]', '[4s, 8s, 16s]'));
  });
  afterAll(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  it('has rules that promtool accepts', async () => {
    expect(file('features.yaml')).toContain('istio_requests_total');
    expect(await run('lorikeet-scorer rules')).toEqual({ status: 0, output: '' });
    const checked = await run('promtool check rules');
    expect([checked.status, checked.output]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });

  it('has a configuration with which doctor finds nothing wrong, once the rules are evaluated', async () => {
    await startServers();
    const config = file('scorer.yaml')
      .replaceAll('http://localhost:9090', prometheus.url)
      .replace('interval: 1m', 'interval: 1s\ndelay: 500ms\nsteps: [0, 1, 2, 3]\nlearning: { minimum: 20s }')
      .replace('/var/lib/lorikeet', 'state');
    writeFileSync(join(folder, 'scorer.yaml'), config);
    expect((await run('lorikeet-scorer run --config.check')).output).toContain('valid, 7 features');
    const found = await until(
      'doctor is satisfied',
      () => run('lorikeet-scorer doctor'),
      ({ status }) => status === 0,
    );
    expect(found.output).toContain('all 7 features have values');
    expect(found.output).toContain('3 services, each with its own series');
    const edges = await query('count by (client_service, server_service) (edge:lorikeet_feature:window)');
    expect(edges.map(({ metric }) => `${metric['client_service']} ${metric['server_service']}`).sort()).toEqual([
      'cart catalog',
      'cart payment',
    ]);
  });

  it('ends with scores, and with the fault that a service has', async () => {
    const [, , ...flags] = command('lorikeet-scorer run --config.file');
    const program = [resolve('dist/lorikeet-scorer.js'), 'run', ...flags];
    scorer = spawn(process.execPath, [...program, `--web.listen-address=127.0.0.1:${await freePort()}`], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const { stderr } = scorer;
    stderr?.on('data', (chunk: Buffer) => void log.push(...chunk.toString().trim().split('\n')));
    stops.push(async () => {
      scorer?.kill('SIGTERM');
      if (scorer !== undefined) await once(scorer, 'exit');
    });
    await until(
      'scores',
      () => query('anomaly_score'),
      (scores) => scores.length === 3,
    );
    Object.assign(shop.fault, { service: 'catalog', slowness: 8 });
    const cause = await until(
      'the cause',
      () => query('anomaly_root_cause_rank == 1'),
      ([first]) => first?.metric['service'] === 'catalog',
    );
    expect(cause).toHaveLength(1);
    // The first cycles after the fault see only the beginning of it.
    await until(
      'the feature',
      () => query('topk(1, anomaly_feature_share{service="catalog"})'),
      ([leading]) => leading?.metric['feature'] === 'request_latency',
    );
    expect(log.filter((line) => line.includes('level=error'))).toEqual([]);
  });

  it('names what does not match any more, in doctor and in the log of run', async () => {
    const own = readFileSync(join(folder, 'features.yaml'), 'utf8');
    writeFileSync(join(folder, 'features.yaml'), own.replace('name: cpu_cores', 'name: cpu_seconds'));
    const { status, output } = await run('lorikeet-scorer doctor');
    expect(status).toBe(1);
    expect(output).toMatch(/warning +rules +the scorer reads .*features.yaml, but no rule records cpu_seconds/);
    scorer?.kill('SIGHUP');
    const found = await until(
      'the problem in the log',
      async () => log.find((line) => line.includes('msg="problem found" check=rules')) ?? '',
      (line) => line !== '',
    );
    expect(found).toMatch(/level=warn .*no rule records cpu_seconds.* remedy="set features_file/);
  });
});
