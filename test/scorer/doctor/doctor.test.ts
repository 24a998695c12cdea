import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { hashSync } from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createHttpClient, httpClientSchema } from '../../../daemon/http-client/client.ts';
import { createLogger } from '../../../daemon/logger.ts';
import { examineFiles } from '../../../scorer/commands/doctor.ts';
import type { Report } from '../../../scorer/doctor/examine.ts';
import { CHANNELS, SERVICE_SERIES } from '../../../scorer/features/features.ts';
import { RemoteWriter } from '../../../scorer/output/remote-write/writer.ts';
import { startAlertmanager } from '../../testserver/alertmanager.ts';
import { type RunningPrometheus, startPrometheus } from '../../testserver/prometheus.ts';
import { serve } from '../../testserver/http.ts';
import { INSTALLED_RELEASE } from '../../testserver/prometheus-releases.ts';
import { describeWith } from '../../skips/describe-with.ts';
import { VICTORIA_METRICS } from '../../skips/needs.ts';
import { startVictoriaMetrics } from '../../testserver/victoria-metrics.ts';
import { ObservedShop } from './observed-shop.ts';

/** PromQL whose mistake only Prometheus finds. */
const BROKEN = 'label_replace(up, "a", "b", "c", "(")';

const shop = new ObservedShop();
/** A server where all is well. */
let healthy: RunningPrometheus;
let good: string;

const problems = (found: readonly Report[]) => found.filter(({ status }) => status !== 'ok');
const isOk = (text: string) => (found: readonly Report[]) =>
  found.some(({ status, message }) => status === 'ok' && message.includes(text));
const isError = (text: string) => (found: readonly Report[]) =>
  found.some(({ status, message, remedy = '' }) => status === 'error' && `${message} -> ${remedy}`.includes(text));
const isWarning = (text: string) => (found: readonly Report[]) =>
  found.some(({ status, message, remedy = '' }) => status === 'warning' && `${message} -> ${remedy}`.includes(text));

describe('lorikeet-scorer doctor', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    healthy = await shop.prometheus();
    good = shop.configure(healthy);
    await shop.until(good, 'features', (found) => problems(found).length === 0);
  }, 60_000);
  afterAll(() => shop.clear());

  it('finds nothing wrong where nothing is, and stores nothing', async () => {
    const series = async () =>
      (await (await fetch(`${healthy.url}/api/v1/label/__name__/values`)).json()) as { data: string[] };
    const before = (await series()).data;
    const { status, findings, skipped } = await shop.until(good, 'lateness', (found) => problems(found).length === 0);
    expect(problems(findings)).toEqual([]);
    expect([status, skipped]).toEqual(['ok', []]);
    expect(findings.find(({ check }) => check === 'prometheus')?.message).toMatch(/Prometheus 2\.\d+\.\d+/);
    expect((await series()).data).toEqual(before);
  });

  it('says how many services, rules and features there are', async () => {
    const { findings } = await examineFiles(good);
    expect(findings.find(({ check }) => check === 'rules')).toMatchObject({
      status: 'ok',
      message: 'all 2 features are in 2 rule groups',
    });
    expect(findings.find(({ check }) => check === 'labels')?.message).toBe('3 services, each with its own series');
  });

  it.each([
    ['nobody listens', 'http://127.0.0.1:9', 'ECONNREFUSED', 'host and port in prometheus.url'],
    ['there is no such host', 'http://no-such-host.invalid:9090', 'no-such-host.invalid', 'host'],
  ])('names a wrong address of Prometheus: %s', async (_why, url, reason, remedy) => {
    const { status, findings, skipped } = await examineFiles(shop.configure({ url }));
    expect(status).toBe('error');
    const found = findings.filter(({ check }) => check === 'prometheus');
    expect(found).toHaveLength(1);
    expect(found[0]?.message).toContain(url);
    expect(found[0]?.message).toContain(reason);
    expect(found[0]?.remedy).toContain(remedy);
    expect(skipped).toContain('rules');
  });

  it('names a wrong path, a web page and a wrong scheme', async () => {
    const page = await serve((_request, response) => {
      response.setHeader('Content-Type', 'text/html');
      response.end('<html></html>');
    });
    shop.onClear(() => page.stop());
    const section = (url: string) => shop.configure(healthy, { prometheus: `{ url: '${url}' }` });
    const of = async (url: string) =>
      (await examineFiles(section(url))).findings.filter(({ status }) => status === 'error');
    const [path, html, scheme] = await Promise.all([
      of(`${healthy.url}/prometheus`),
      of(page.url),
      of(healthy.url.replace('http:', 'https:')),
    ]);
    expect(path[0]?.remedy).toContain('correct the path in prometheus.url');
    expect(html[0]?.remedy).toContain('correct the path in prometheus.url');
    expect(scheme[0]?.remedy).toContain('http://');
  });

  it('gives up on a server that does not answer, after some seconds', async () => {
    const silent = await serve(() => undefined);
    shop.onClear(() => silent.stop());
    const started = performance.now();
    const { findings } = await examineFiles(shop.configure(silent));
    expect(performance.now() - started).toBeLessThan(8000);
    expect(isError('no response within 5000 ms')(findings.filter(({ check }) => check === 'prometheus'))).toBe(true);
    expect(isError('no response within 5000 ms')(findings.filter(({ check }) => check === 'receiver'))).toBe(true);
  });

  it('names a receiver that is off, and the flag that enables it', async () => {
    const closed = await startPrometheus({ receiver: false });
    shop.onClear(() => closed.stop());
    const configFile = shop.configure(healthy, { write: `${closed.url}/api/v1/write` });
    const { status, findings } = await examineFiles(configFile);
    expect(status).toBe('error');
    expect(isError('--web.enable-remote-write-receiver')(findings)).toBe(true);
    expect(problems(findings).map(({ check }) => check)).toEqual(['receiver']);
  });

  it.each([
    ['/api/v1/nope', 'correct the path in remote_write.url'],
    ['/', '(Prometheus: /api/v1/write)'],
    ['/api/v1/query', 'correct the path in remote_write.url'],
  ])('names a receiver at a path that is none: %s', async (path, remedy) => {
    const { findings } = await examineFiles(shop.configure(healthy, { write: healthy.url + path }));
    const found = problems(findings);
    expect(found.map(({ check, status }) => [check, status])).toEqual([['receiver', 'error']]);
    expect(found[0]?.remedy).toContain(remedy);
  });

  it('names a web page in the place of the receiver', async () => {
    const page = await serve((_request, response) => {
      response.setHeader('Content-Type', 'text/html');
      response.end('<html></html>');
    });
    shop.onClear(() => page.stop());
    const { findings } = await examineFiles(shop.configure(healthy, { write: page.url }));
    expect(isError('append /api/v1/write to remote_write.url')(findings)).toBe(true);
  });

  it('names rules that are not loaded', async () => {
    const without = await shop.prometheus({ ruleFiles: [] });
    const { findings } = await shop.until(shop.configure(without), 'sources', (found) => problems(found).length === 0);
    expect(isError('add it to rule_files')(findings.filter(({ check }) => check === 'rules'))).toBe(true);
    expect(isError('see sources and rules')(findings.filter(({ check }) => check === 'features'))).toBe(true);
  });

  it('names rules from another features file than the scorer reads', async () => {
    const shipped = shop.configure(healthy, { features: '' });
    const { findings } = await shop.until(shipped, 'rules', isWarning('features_file'));
    const [found] = problems(findings.filter(({ check }) => check === 'rules'));
    expect(found?.message).toContain('rules/features.yaml, but no rule records request_latency');

    shop.write(
      'renamed.yaml',
      readFileSync(join(shop.folder, 'features.yaml'), 'utf8').replaceAll('name: ', 'name: own_'),
    );
    const none = await examineFiles(shop.configure(healthy, { features: 'renamed.yaml' }));
    expect(isError('which has none of these features')(none.findings)).toBe(true);

    const windows = readFileSync(join(shop.folder, 'features.yaml'), 'utf8').replace('[4s, 8s', '[4s, 7s');
    shop.write('windows.yaml', windows);
    const changed = await examineFiles(shop.configure(healthy, { features: 'windows.yaml' }));
    expect(isWarning('request_rate, memory_bytes by other expressions or windows')(changed.findings)).toBe(true);
  });

  it('names rules that fail', async () => {
    const failing = `windows: [4s, 8s, 16s]
features:
  - { name: request_rate, scale: log, expr: 'sum by (namespace, service) (rate(lorikeet_requests_total[$window]))' }
  - { name: memory_bytes, scale: log, expr: 'sum by (namespace, service) (rate(lorikeet_requests_total[$window]) * on (namespace) group_left () lorikeet_container_memory_bytes)' }
`;
    shop.write('failing.yaml', failing);
    const broken = await shop.prometheus({ features: failing });
    await shop.until(shop.configure(broken, { features: 'failing.yaml' }), 'rules', isError('memory_bytes fails'));
  });

  it('names an exporter that is not scraped', async () => {
    const blind = await shop.prometheus({ scrapes: false });
    const { findings } = await shop.until(shop.configure(blind), 'sources', isWarning('lorikeet-exporter are down'));
    expect(isError('no series of lorikeet_requests_total')(findings)).toBe(true);
  });

  it('names a wrong password, and a file that is missing', async () => {
    const guarded = await shop.prometheus({
      flags: ['--web.config.file=$folder/web.yaml'],
      files: { 'web.yaml': `basic_auth_users: { lorikeet: ${hashSync('secret', 4)} }\n` },
      isReady: async (url) => (await fetch(`${url}/-/ready`)).status === 401,
    });
    shop.write('password', 'wrong\n');
    const section = (file: string) =>
      `{ url: '${guarded.url}', basic_auth: { username: lorikeet, password_file: ${file} } }`;
    const wrong = await examineFiles(shop.configure(healthy, { prometheus: section('password') }));
    expect(isError('correct prometheus.basic_auth')(wrong.findings)).toBe(true);
    const missing = await examineFiles(shop.configure(healthy, { prometheus: section('no-such-file') }));
    expect(isError('prometheus.basic_auth.password_file')(missing.findings)).toBe(true);
    expect(isError('no-such-file')(missing.findings)).toBe(true);
    shop.write('password', 'secret\n');
    const right = await examineFiles(shop.configure(healthy, { prometheus: section('password') }));
    expect(right.findings.filter(({ check }) => check === 'prometheus').map(({ status }) => status)).toEqual(['ok']);
  });

  it('names scrapes that are too rare for the shortest window', async () => {
    const rare = await shop.prometheus({ scrapeInterval: '3s' });
    const configFile = shop.configure(rare);
    const { findings } = await shop.until(configFile, 'intervals', (found) => problems(found).length > 0);
    const [found] = problems(findings.filter(({ check }) => check === 'intervals'));
    expect(found?.message).toBe('the window of 4s is too short for what is scraped every 3s: request_rate');
    expect(found?.remedy).toBe(
      'scrape at least every 1s, or set windows: [12s, 24s, 48s] in a features file and render its rules',
    );
  });

  it('names scrapes of which none may fail', async () => {
    const rare = await shop.prometheus({ scrapeInterval: '2s' });
    await shop.until(
      shop.configure(rare),
      'intervals',
      isWarning('every 2s: a failed scrape leaves a gap in the window'),
    );
  });

  it('names rules that are evaluated less often than the scorer scores', async () => {
    const slow = await shop.prometheus({ evaluationInterval: '5s' });
    await shop.until(shop.configure(slow), 'intervals', isWarning('rules are evaluated every 5s'));
  });

  it('names a clock that is ahead', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 90_000 });
    try {
      const { findings } = await examineFiles(good);
      expect(problems(findings).map(({ check }) => check)).toEqual(['clock']);
      expect(isError("this machine's clock is 1m30s ahead of that of Prometheus")(findings)).toBe(true);
      vi.setSystemTime(Date.now() - 180_000);
      expect(isWarning('behind that of Prometheus')((await examineFiles(good)).findings)).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });

  it('names series without namespace', async () => {
    const nameless = await shop.prometheus({ by: 'service' });
    const both = isError('without the label namespace belong to no service: memory_bytes, request_rate');
    await shop.until(shop.configure(nameless), 'labels', both);
  });

  it('names two clusters in one answer', async () => {
    const store = await startPrometheus();
    shop.onClear(() => store.stop());
    await writeClusters(`${store.url}/api/v1/write`);
    const { findings } = await examineFiles(shop.configure(store));
    const [found] = problems(findings.filter(({ check }) => check === 'labels'));
    expect(found?.status).toBe('error');
    expect(found?.message).toBe('several series stand for one service (shop/cart): cluster is east or west');
  });

  it('names features that come late, and those that came to an end', async () => {
    const store = await startPrometheus();
    shop.onClear(() => store.stop());
    const seconds = (from: number) => Array.from({ length: 20 }, (_, index) => 1000 * (from + 19 - index));
    await writeFeatures(`${store.url}/api/v1/write`, [{}], seconds(60));
    const late = await examineFiles(shop.configure(store));
    expect(isWarning('the newest feature is 1m')(late.findings)).toBe(true);
    expect(isWarning('the scorer finds the delay')(late.findings)).toBe(true);
    const ended = await examineFiles(shop.configure(store, { extra: 'delay: 5s' }));
    expect(isError('the newest feature is 1m')(ended.findings)).toBe(true);
    expect(isError('set delay: 1m')(ended.findings)).toBe(true);
    const waiting = await examineFiles(shop.configure(store, { extra: 'delay: 58s' }));
    expect(isWarning('features are stored at least')(waiting.findings)).toBe(false);
    expect(problems(waiting.findings)).toEqual([]);
  });

  it('names a state directory that cannot be written', async () => {
    shop.write('file', '');
    const { findings } = await examineFiles(shop.configure(healthy, { state: 'file/state' }));
    expect(problems(findings).map(({ check, status }) => [check, status])).toEqual([['config', 'error']]);
    expect(isError('state_dir: expected a directory')(findings)).toBe(true);
    mkdirSync(join(shop.folder, 'disk'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', `lorikeet-${process.pid}`, join(shop.folder, 'disk')]);
    shop.onClear(() => void execFileSync('umount', [join(shop.folder, 'disk')]));
    const readOnly = await examineFiles(shop.configure(healthy, { state: 'disk' }));
    expect(isError('EROFS')(readOnly.findings)).toBe(true);
  });

  it('names maintenance that Prometheus cannot evaluate', async () => {
    const extra = `maintenance: ['up == 0', '${BROKEN}']`;
    const { findings } = await examineFiles(shop.configure(healthy, { extra }));
    const found = findings.filter(({ check }) => check === 'maintenance');
    expect(isWarning('invalid regular expression')(found)).toBe(true);
    expect(problems(found)[0]?.remedy).toContain(`maintenance[1]: ${BROKEN}`);
    const whole = await examineFiles(shop.configure(healthy, { extra: 'maintenance: [count(up)]' }));
    expect(isWarning('no service alerts now')(whole.findings)).toBe(true);
    const unparsable = await examineFiles(shop.configure(healthy, { extra: `maintenance: ['x ==']` }));
    expect(problems(unparsable.findings)).toHaveLength(1);
    expect(problems(unparsable.findings)[0]?.message).toContain('maintenance[0]');
  });

  it('names what cannot be expected: a broken expression, no Alertmanager, and silences of what is no service', async () => {
    const examineExpected = async (expected: string) => {
      const { findings } = await examineFiles(shop.configure(healthy, { extra: `expected: ${expected}` }));
      return findings.filter(({ check }) => check === 'expected');
    };
    const broken = await examineExpected(`{ expressions: ['up == 0', '${BROKEN}'] }`);
    expect(problems(broken)[0]?.remedy).toContain(`expected.expressions[1]: ${BROKEN}`);
    const notOne = await examineExpected(`{ alertmanager: { url: '${healthy.url}' } }`);
    expect(isWarning('instead of a list of silences')(notOne)).toBe(true);
    expect(problems(notOne)[0]?.remedy).toContain('expected.alertmanager.url');
    const alertmanager = await startAlertmanager(INSTALLED_RELEASE.alertmanager);
    shop.onClear(() => alertmanager.stop());
    const { url } = alertmanager;
    expect(problems(await examineExpected(`{ alertmanager: { url: '${url}' } }`))).toEqual([]);
    const silence = [
      'silence',
      'add',
      'service=cart',
      'team=payments',
      'expected=yes',
      '--comment=test',
      '--author=test',
    ];
    execFileSync('amtool', [`--alertmanager.url=${url}`, ...silence]);
    const strange = await examineExpected(`{ alertmanager: { url: '${url}' } }`);
    expect(isWarning('services have no label team')(strange)).toBe(true);
  });

  it('names an address for traces that another program has', async () => {
    const other = await serve((_request, response) => response.end());
    shop.onClear(() => other.stop());
    const extra = `traces: { listen_address: '127.0.0.1:${other.port}' }`;
    const { findings } = await examineFiles(shop.configure(healthy, { extra }));
    expect(problems(findings).map(({ check }) => check)).toEqual(['traces']);
    expect(isWarning('in use')(findings)).toBe(true);
  });

  it('names features whose metrics do not exist', async () => {
    const extra = `  - { name: cpu, scale: log, expr: 'sum by (namespace, service) (rate(no_such_metric[$window]))' }\n`;
    const features = `${readFileSync(join(shop.folder, 'features.yaml'), 'utf8')}${extra}`;
    shop.write('more.yaml', features);
    const partial = await shop.prometheus({ features });
    const configFile = shop.configure(partial, { features: 'more.yaml' });
    await shop.until(configFile, 'features', isWarning('1 of 3 features have no values: cpu (no no_such_metric)'));
  });

  it('prints text or JSON and ends with 0, 1 or 2', async () => {
    const fine = await run(`--config.file=${good}`);
    expect([fine.stdout, fine.status, fine.stderr]).toEqual([expect.not.stringContaining('->'), 0, '']);
    expect(fine.stdout).toMatch(/^ok +files +\d+ files can be read\n/);
    expect(fine.stdout).toMatch(/the scorer can work\n$/);
    for (const line of fine.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(160);

    const warned = await run(
      `--config.file=${shop.configure(healthy, { extra: `maintenance: ['${BROKEN}']` })}`,
      '--format=json',
    );
    expect(warned.status).toBe(1);
    const report = JSON.parse(warned.stdout) as { status: string; findings: Report[] };
    expect(report.status).toBe('warning');
    expect(problems(report.findings)).toMatchObject([{ check: 'maintenance', status: 'warning' }]);

    const unreachable = await run(`--config.file=${shop.configure({ url: 'http://127.0.0.1:9' })}`);
    expect(unreachable.status).toBe(2);
    const invalid = await run(`--config.file=${shop.write('invalid.yaml', 'intervall: 1m\n')}`, '--format=json');
    expect(invalid.status).toBe(2);
    expect(invalid.stdout).toContain('intervall: unknown key');
  });
});

describeWith([VICTORIA_METRICS], 'lorikeet-scorer doctor with VictoriaMetrics', () => {
  const own = new ObservedShop();
  afterAll(() => own.clear());

  it('finds nothing wrong where rules are evaluated elsewhere', { timeout: 60_000 }, async () => {
    const victoria = await startVictoriaMetrics();
    own.onClear(() => victoria.stop());
    // Instant queries leave out the newest 30 s.
    const ages = Array.from({ length: 90 }, (_, index) => 1000 * (90 - index));
    await writeFeatures(`${victoria.url}/api/v1/write`, [{}], ages);
    const playing = setInterval(() => void writeFeatures(`${victoria.url}/api/v1/write`, [{}], [0]), 1000);
    own.onClear(() => clearInterval(playing));
    const configFile = own.configure(victoria, { extra: 'delay: 5s' });
    await own.until(configFile, 'intervals', (found) => isOk('rules are evaluated every 1s')(found));
    const { findings } = await own.until(configFile, 'rules', isOk('all 2 features are recorded elsewhere'));
    expect(problems(findings)).toEqual([]);
    expect(isOk(`${victoria.url} answers queries`)(findings)).toBe(true);
  });
});

/** Writes the features of shop/cart as two clusters would that share a store. */
async function writeClusters(url: string): Promise<void> {
  await writeFeatures(url, [{ cluster: 'east' }, { cluster: 'west' }], [2000, 1000, 0]);
}

/** Writes the features of shop/cart with further labels, at times ago in milliseconds. */
async function writeFeatures(
  url: string,
  further: readonly Record<string, string>[],
  ages: readonly number[],
): Promise<void> {
  const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 5000 });
  const writer = new RemoteWriter({ url, http, logger: createLogger({ write: () => undefined }) });
  const now = Date.now();
  for (const back of ages) {
    await writer.write(
      further.flatMap((labels) =>
        ['request_rate', 'memory_bytes'].flatMap((feature) =>
          CHANNELS.map((channel) => ({
            name: SERVICE_SERIES,
            labels: { ...labels, namespace: 'shop', service: 'cart', feature, channel },
            value: 1,
            timestampMs: now - back,
          })),
        ),
      ),
    );
  }
  await writer.close();
  await http.close();
}

/** Runs the program. Not by spawnSync: the exporter of the shop is part of this process. */
async function run(...flags: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return await new Promise((done) => {
    const args = [resolve('dist/lorikeet-scorer.js'), 'doctor', ...flags];
    const child = execFile(process.execPath, args, (_error, stdout, stderr) =>
      done({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}
