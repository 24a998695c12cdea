import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StopStack } from '../../daemon/lifecycle.ts';
import { backtest } from '../../scorer/commands/backtest.ts';
import { type RunningPrometheus, startPrometheus } from '../testserver/prometheus.ts';
import { type Proxy, startProxy } from '../testserver/proxy.ts';
import { untilValue } from '../until.ts';

const MINUTE = 60_000;
const BEGIN = Date.UTC(2024, 0, 1);
const STEPS = 420;
const TRAINED = 300;
const SERVICES = ['cart', 'catalog', 'payment'];
const NORMAL: Readonly<Record<string, number>> = { request_rate: 40, request_latency: 0.02, cpu_cores: 0.4 };
const CHANNELS = ['red', 'green', 'blue'];
/** A fault in the time for learning, which must not become normal. */
const FAULTS = [
  { service: 'payment', from: 100, to: 105 },
  { service: 'cart', from: 340, to: 345 },
  { service: 'catalog', from: 380, to: 385 },
];

const stops = new StopStack();
let folder: string;
let prometheus: RunningPrometheus;
let proxy: Proxy;
const at = (step: number) => new Date(BEGIN + step * MINUTE).toISOString();

function* history(): Generator<string> {
  let state = 7;
  const noise = () => {
    state = (state * 48_271) % 2_147_483_647;
    return 0.95 + (0.1 * state) / 2_147_483_647;
  };
  for (const service of SERVICES) {
    for (const [feature, normal] of Object.entries(NORMAL)) {
      for (const channel of CHANNELS) {
        for (let step = 0; step < STEPS; step++) {
          const slow = FAULTS.some((fault) => fault.service === service && step >= fault.from && step < fault.to);
          const value = normal * noise() * (slow && feature !== 'request_rate' ? 6 : 1);
          const name = `service:lorikeet_feature:window{namespace="shop",service="${service}",feature="${feature}",channel="${channel}"}`;
          yield `${name} ${value} ${(BEGIN + step * MINUTE) / 1000}\n`;
        }
      }
    }
  }
  yield '# EOF\n';
}

describe('lorikeet-scorer backtest', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lorikeet-backtest-test-'));
    prometheus = await startPrometheus({ history: history() });
    const signals = ['traffic', 'latency', 'saturation'];
    const features = Object.keys(NORMAL).map(
      (name, index) => `  - { name: ${name}, expr: 'm[$window]', scale: log, signal: ${signals[index] ?? ''} }`,
    );
    writeFileSync(join(folder, 'features.yaml'), `windows: [1m, 2m, 3m]\nfeatures:\n${features.join('\n')}\n`);
    proxy = await startProxy(prometheus.url);
    for (const [name, { url }] of Object.entries({ scorer: prometheus, proxied: proxy })) {
      writeFileSync(
        join(folder, `${name}.yaml`),
        `prometheus: { url: ${url} }\noutput: metrics\nsteps: [0, 1, 2, 3]\nfeatures_file: features.yaml\n`,
      );
    }
    const labels = FAULTS.map(({ service, from, to }) => ({
      start: at(from - 0.5),
      end: at(to),
      namespace: 'shop',
      service,
      type: 'slow',
    }));
    writeFileSync(join(folder, 'faults.json'), JSON.stringify(labels));
  }, 60_000);

  afterAll(async () => {
    await stops.stop();
    await proxy?.stop();
    await prometheus?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('detects faults in history, including those in the time for learning, and writes both reports', async () => {
    await run(`--train-to=${at(TRAINED)}`, `--faults=${join(folder, 'faults.json')}`);
    const report = readReport();
    const hits = { at_1: 1, at_3: 1, at_5: 1 };
    expect(report).toMatchObject({
      window: { from: at(0), to: at(STEPS - 1), train_from: at(0), train_to: at(TRAINED) },
      services: 3,
      faults: 3,
      recall: 1,
      event_precision: 1,
      false_alarms_per_service_day: 0,
      delay_seconds: { p50: 90, p90: 90 },
      root_cause: hits,
      root_cause_at_alert: hits,
      by_type: { slow: { faults: 3, recall: 1, at_1: 1 } },
      alarms: { warning_per_service_day: 0, severe_per_service_day: 0 },
      baselines: { robust_z: { recall: 1 }, random: { recall: 0 } },
    });
    const html = readFileSync(join(folder, 'report.html'), 'utf8');
    expect(html.match(/<svg /g)).toHaveLength(3);
    expect(html.match(/class="own"/g)).toHaveLength(3);
  });

  it('counts the alarms without known faults, by service and signal', async () => {
    await run(`--train-to=${at(90)}`);
    const report = readReport() as { alarms: { services: { service: string; severe: number; signals: string[] }[] } };
    // Without labels each fault is an alarm, and nothing else is.
    expect(report).toMatchObject({ faults: 0, recall: null, baselines: {} });
    const days = (SERVICES.length * (STEPS - 91)) / 1440;
    expect(report.alarms).toMatchObject({
      warning_per_service_day: Number((3 / days).toFixed(4)),
      severe_per_service_day: Number((3 / days).toFixed(4)),
      service_days: Number(days.toFixed(4)),
    });
    expect(report.alarms.services.map(({ service }) => service).sort()).toEqual(SERVICES);
    for (const { severe, signals } of report.alarms.services) {
      expect(severe).toBe(1);
      expect(['request_latency', 'cpu_cores']).toContain(signals[0]);
    }
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).not.toContain('<h2>Faults');
  });

  it('needs no flag but the configuration: the history that there is, and learns from its first third', async () => {
    const before = Date.now;
    Date.now = () => BEGIN + STEPS * MINUTE;
    try {
      await backtest.execute(own(), context());
    } finally {
      Date.now = before;
    }
    const { window } = readReport() as { window: Record<string, string> };
    expect(Date.parse(window['to'] ?? '')).toBeGreaterThan(BEGIN + (STEPS - 2) * MINUTE);
    // The week is looked at 400 times: 25 minutes apart.
    const from = Date.parse(window['from'] ?? '');
    expect(from).toBeGreaterThanOrEqual(BEGIN);
    expect(from).toBeLessThan(BEGIN + 26 * MINUTE);
    const third = (Date.parse(window['train_to'] ?? '') - from) / (Date.parse(window['to'] ?? '') - from);
    expect(third).toBeCloseTo(1 / 3, 2);
  });

  it.each([
    ['while it learns', 0, (stderr: string) => stderr.includes('train ')],
    ['while it waits for Prometheus', 60_000, () => proxy.requests.size > 0],
  ])('ends at Ctrl-C %s, within a second, and leaves nothing behind', async (_when, delayMs, begun) => {
    const left = () =>
      readdirSync(tmpdir())
        .filter((name) => name.startsWith('lorikeet-backtest-'))
        .sort();
    const before = left();
    proxy.reset();
    proxy.delayMs = delayMs;
    const flags = [...own('proxied.yaml'), `--from=${at(0)}`, `--to=${at(STEPS - 1)}`, '--epochs=100000'];
    const program = resolve('dist/lorikeet-scorer.js');
    const child = spawn(process.execPath, [program, 'backtest', ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString()));
    await untilValue('the backtest', () => stderr, begun, { timeoutMs: 30_000, periodMs: 50 });
    const interrupted = performance.now();
    child.kill('SIGINT');
    const [status] = (await once(child, 'exit')) as [number];
    expect(performance.now() - interrupted).toBeLessThan(1000);
    expect([status, stderr.trim().split('\n').at(-1)]).toEqual([130, 'lorikeet-scorer: stopped by SIGINT']);
    expect(left()).toEqual(before);
  });
});

const own = (config = 'scorer.yaml') => [
  `--config.file=${join(folder, config)}`,
  `--out=${join(folder, 'report.json')}`,
  `--html=${join(folder, 'report.html')}`,
  '--epochs=20',
];

function context() {
  const signal = new AbortController().signal;
  return { name: 'test', argv: [], self: ['', ''] as const, stops, signal, onReload: () => undefined };
}

async function run(...flags: string[]): Promise<void> {
  const status = await backtest.execute([...own(), `--from=${at(0)}`, `--to=${at(STEPS - 1)}`, ...flags], context());
  expect(status).toBeUndefined();
}

function readReport(): unknown {
  return JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
}
