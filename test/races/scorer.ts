import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readScorerConfig } from '../../scorer/config.ts';
import { freePort } from '../../scripts/free-port.ts';
import { Bench } from '../hostile/files/programs.ts';
import { run, type Running } from '../hostile/clients/running.ts';
import { saveLearnedState } from '../scorer/learned-state.ts';
import { featureSamples, ScorerBed, trueTime } from '../scorer/running-scorer.ts';
import { startPrometheus } from '../testserver/prometheus.ts';
import { type Receiver, startReceiver } from '../testserver/receiver.ts';
import { until } from '../until.ts';
import { ask, COMMON, reloadUntil } from './happenings.ts';
import type { Contestant, Happening } from './races.ts';

const SERVICES = ['cart', 'catalog', 'payment'].map((service) => ({ namespace: 'shop', service }));
const INVALID = [
  'interval: [\n',
  'intervall: 1m\n',
  'maintenance: ["("]\n',
  'expected: { alertmanager: { url: "http://a", tls_config: { ca_file: gone.pem } } }\n',
];
const PAST_SECONDS = 120;
/** A model is outdated after a second, so that learning is due again as soon as it has ended. */
const LEARNING = 'learning: { minimum: 12s, history: 2m, every: 12s, retrain: 1s }\n';

/** The scorer with a Prometheus that has features, a receiver of its scores, and a model that is always outdated. */
export class RacingScorer implements Contestant {
  readonly name = 'scorer';
  readonly mayLog = /reload failed, the previous configuration stays in use|problem found|cycles skipped/;
  readonly #bed = new ScorerBed();
  readonly #bench = new Bench();
  readonly #prometheus: string;
  readonly #receiver: Receiver;
  readonly #tracesAddress: string;
  #delayMs = 300;

  private constructor(prometheus: string, receiver: Receiver, tracesAddress: string) {
    this.#prometheus = prometheus;
    this.#receiver = receiver;
    this.#tracesAddress = tracesAddress;
  }

  static async open(): Promise<RacingScorer> {
    const prometheus = await startPrometheus({ history: pastMinutes() });
    const receiver = await startReceiver();
    const scorer = new RacingScorer(prometheus.url, receiver, `127.0.0.1:${await freePort()}`);
    scorer.#bed.onClear(() => receiver.stop());
    scorer.#bed.onClear(() => prometheus.stop());
    scorer.#bed.play(`${prometheus.url}/api/v1/write`, SERVICES);
    scorer.#write();
    const known = { services: SERVICES, edges: [], usual: () => 1 };
    await saveLearnedState(readScorerConfig(scorer.#file), scorer.#bed.set, known);
    return scorer;
  }

  get happenings(): Readonly<Record<string, Happening>> {
    return {
      ...COMMON,
      'a configuration': () => this.#write(),
      'a configuration that takes traces': () => this.#write(`traces: { listen_address: '${this.#tracesAddress}' }\n`),
      'an invalid configuration': (_, random) => {
        this.#write(INVALID[Math.floor(random.uniform() * INVALID.length)]);
      },
      'the tensors': async (program) => void (await ask(program, '/tensors')),
      // Nothing is drawn before the first cycle.
      'a picture': async (program) =>
        void (await ask(program, '/tensors/shop/cart.png', { statuses: [200, 404, 503] })),
      traces: async () => {
        const headers = { 'content-type': 'application/json', connection: 'close' };
        const answered = fetch(`http://${this.#tracesAddress}/v1/traces`, { method: 'POST', headers, body: '{}' });
        // Most configurations take none.
        await answered.then((answer) => answer.text()).catch(() => undefined);
      },
      'a cycle': async (program) => {
        const last = () => program.value('lorikeet_scorer_last_cycle_timestamp_seconds');
        const before = await last();
        await until('a cycle', async () => (await last()) !== before, { timeoutMs: 2000 }).catch(() => undefined);
      },
      'learning begins': async () => {
        await until('learning', () => this.#learnings() > 0, { timeoutMs: 2000 }).catch(() => undefined);
      },
    };
  }

  async start() {
    this.#write();
    return await run('scorer', { cwd: this.#bed.folder, args: this.#flags });
  }

  startQuietly() {
    this.#write();
    return this.#bench.startQuietly('lorikeet-scorer', ['run', ...this.#flags]);
  }

  async settle(program: Running): Promise<void> {
    this.#write();
    const delay = this.#delayMs / 1000;
    await reloadUntil(program, async () => (await program.value('lorikeet_scorer_delay_seconds')) === delay);
  }

  async afterEnd(): Promise<void> {
    await until('the learning to end with its scorer', () => this.#learnings() === 0);
    const refused = this.#receiver.requests.find(({ status }) => status >= 400);
    if (refused !== undefined) throw new Error(`samples refused: ${refused.reason}`);
  }

  async remove(): Promise<void> {
    this.#bench.remove();
    await this.#bed.clear();
  }

  get #file(): string {
    return join(this.#bed.folder, 'scorer.yaml');
  }

  get #flags(): readonly string[] {
    return ['--web.enable-lifecycle', `--config.file=${this.#file}`];
  }

  /** The delay stands for the whole configuration. */
  #write(more = ''): void {
    this.#delayMs = 300 + ((this.#delayMs + 1) % 300);
    writeFileSync(
      this.#file,
      `prometheus: { url: '${this.#prometheus}' }
remote_write: { url: '${this.#receiver.url}' }
interval: 1s
delay: ${this.#delayMs}ms
steps: [0, 1, 2, 3]
features_file: features.yaml
state_dir: state
${LEARNING}${more}`,
    );
  }

  /** Number of running learning processes of this scorer. */
  #learnings(): number {
    const command = `train\0--config.file=${this.#file}`;
    return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(command)).length;
  }
}

/** What the rules have written in the minutes before the start, as OpenMetrics, so that there is something to learn. */
function pastMinutes(): string {
  const now = Math.floor(trueTime() / 1000);
  const times = Array.from({ length: PAST_SECONDS }, (_, second) => now - PAST_SECONDS + second);
  const lines = times.flatMap((time) =>
    featureSamples(SERVICES, time * 1000).map(({ name, labels, value }) => {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
      return `${name}{${pairs.join(',')}} ${value} ${time}\n`;
    }),
  );
  return `${lines.join('')}# EOF\n`;
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It has ended.
    return '';
  }
}
