import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { createLogger } from '../../daemon/logger.ts';
import { RemoteWriter } from '../../scorer/output/remote-write/writer.ts';
import { Random } from '../../scorer/numeric/random.ts';
import { freePort } from '../../scripts/free-port.ts';
import { type RunningPrometheus, startPrometheus } from '../testserver/prometheus.ts';
import { FeatureTraffic } from '../testserver/traffic.ts';
import { until as untilHolds } from '../until.ts';

const KILLS = 10;
/**
 * Maximum time to the kill, from the first cycle or, every other time, from the start of learning, which takes as long.
 */
const MAX_LIFE_MS = 1600;
const NORMAL = { request_rate: 40, request_latency: 0.02, memory_bytes: 5e7 };

const traffic = new FeatureTraffic(['cart', 'catalog', 'payment'], NORMAL);
const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 5000 });
let folder: string;
let configFile: string;
let prometheus: RunningPrometheus;
let timer: NodeJS.Timeout;
let scorer: ChildProcess | undefined;
let address: string;
let log = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-kill-'));
  prometheus = await startPrometheus();
  address = `127.0.0.1:${await freePort()}`;
  const features = Object.keys(NORMAL).map((name) => `  - { name: ${name}, expr: 'm[$window]', scale: log }`);
  writeFileSync(join(folder, 'features.yaml'), `windows: [1s, 2s, 4s]\nfeatures:\n${features.join('\n')}\n`);
  configFile = join(folder, 'scorer.yaml');
  // A model is outdated after a second, so every start trains.
  writeFileSync(
    configFile,
    `prometheus: { url: '${prometheus.url}' }
remote_write: { url: '${prometheus.url}/api/v1/write' }
interval: 1s
delay: 300ms
steps: [0, 1, 2, 3]
features_file: features.yaml
state_dir: state
learning: { minimum: 12s, history: 2m, every: 12s, retrain: 1s }
`,
  );
  const writer = new RemoteWriter({ url: `${prometheus.url}/api/v1/write`, http, logger: createLogger() });
  timer = setInterval(() => void writer.write(traffic.samples()), 500);
}, 60_000);

afterAll(async () => {
  clearInterval(timer);
  await kill();
  await http.close();
  await prometheus?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function start(): void {
  log = '';
  const args = [resolve('dist/lorikeet-scorer.js'), 'run', `--config.file=${configFile}`];
  scorer = spawn(process.execPath, [...args, `--web.listen-address=${address}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  scorer.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
}

async function kill(): Promise<void> {
  const killed = scorer;
  if (killed === undefined) return;
  scorer = undefined;
  const ended = new Promise((done) => killed.once('exit', done));
  killed.kill('SIGKILL');
  await ended;
}

/** Number of running learning processes of this test. */
function learnings(): number {
  const commandLine = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return '';
    }
  };
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => commandLine(pid).includes(`train\0--config.file=${configFile}`)).length;
}

async function metric(name: string): Promise<number> {
  const page = await fetch(`http://${address}/metrics`)
    .then((response) => response.text())
    .catch(() => '');
  const line = page.split('\n').find((text) => text.startsWith(`lorikeet_scorer_${name} `));
  return Number(line?.split(' ').at(-1) ?? NaN);
}

const until = (what: string, seconds: number, holds: () => boolean | Promise<boolean>) =>
  untilHolds(what, holds, { timeoutMs: 1000 * seconds, periodMs: 50, seen: () => log });

it('continues with valid models in the first cycle after each of ten kills at random times of learning', async () => {
  start();
  await until('all are scored', 60, async () => (await metric('services{state="scored"}')) === traffic.services.size);
  const random = new Random(Date.now());
  let whileLearning = 0;
  for (let kills = 0; kills < KILLS; kills++) {
    if (kills % 2 === 0) await until('it learns', 30, () => learnings() > 0);
    await sleep(random.uniform() * MAX_LIFE_MS);
    whileLearning += Number(learnings() > 0);
    await kill();
    await until('the learning ends with its scorer', 5, () => learnings() === 0);
    start();
    await until('a cycle is complete', 20, async () => (await metric('last_cycle_timestamp_seconds')) > 0);
    expect(await metric('services{state="scored"}'), log).toBe(traffic.services.size);
    expect(await metric('model_damaged'), log).toBe(0);
    expect(log).not.toContain('not used');
  }
  expect(whileLearning).toBeGreaterThan(0);
}, 180_000);
