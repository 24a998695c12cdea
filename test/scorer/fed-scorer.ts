import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readScorerConfig } from '../../scorer/config.ts';
import type { ServiceName } from '../../scorer/identity/service-key.ts';
import { type RunningPrometheus, startPrometheus } from '../testserver/prometheus.ts';
import { type Receiver, startReceiver } from '../testserver/receiver.ts';
import { saveLearnedState } from './learned-state.ts';
import { featureSamples, ScorerBed, trueTime } from './running-scorer.ts';

const SERVICES = ['cart', 'catalog', 'payment'].map((service) => ({ namespace: 'shop', service }));
const PAST_SECONDS = 120;
/** A model is outdated after a second, so that learning is due again as soon as it has ended. */
const LEARNING = 'learning: { minimum: 12s, history: 2m, every: 12s, retrain: 1s }\n';

/** All that a scorer needs: a Prometheus that gets features, a receiver of its scores, and a model. */
export class FedScorer {
  readonly prometheus: RunningPrometheus;
  readonly receiver: Receiver;
  readonly #bed: ScorerBed;
  readonly #timeout: string;
  #delayMs = 300;

  private constructor(prometheus: RunningPrometheus, receiver: Receiver, bed: ScorerBed, timeout: string) {
    this.prometheus = prometheus;
    this.receiver = receiver;
    this.#bed = bed;
    this.#timeout = timeout;
  }

  /** @param timeout of its requests */
  static async open(timeout = '30s'): Promise<FedScorer> {
    const bed = new ScorerBed();
    const prometheus = await startPrometheus({ history: pastFeatures(SERVICES, PAST_SECONDS) });
    bed.onClear(() => prometheus.stop());
    const receiver = await startReceiver();
    bed.onClear(() => receiver.stop());
    bed.play(`${prometheus.url}/api/v1/write`, SERVICES);
    const fed = new FedScorer(prometheus, receiver, bed, timeout);
    fed.write();
    const known = { services: SERVICES, edges: [], usual: () => 1 };
    await saveLearnedState(readScorerConfig(fed.configFile), bed.set, known);
    return fed;
  }

  get folder(): string {
    return this.#bed.folder;
  }

  get configFile(): string {
    return join(this.folder, 'scorer.yaml');
  }

  get flags(): readonly string[] {
    return ['--web.enable-lifecycle', `--config.file=${this.configFile}`];
  }

  /**
   * The delay of the configuration that was written last, in seconds: it stands for all of it, and the scorer reports it
   * as `lorikeet_scorer_delay_seconds`.
   */
  get delaySeconds(): number {
    return this.#delayMs / 1000;
  }

  /** Writes a configuration that differs from those before. @param more further lines */
  write(more = ''): void {
    this.#delayMs = 300 + ((this.#delayMs + 1) % 300);
    writeFileSync(
      this.configFile,
      `prometheus: { url: '${this.prometheus.url}', timeout: ${this.#timeout} }
remote_write: { url: '${this.receiver.url}', timeout: ${this.#timeout} }
interval: 1s
delay: ${this.#delayMs}ms
steps: [0, 1, 2, 3]
features_file: features.yaml
state_dir: state
${LEARNING}${more}`,
    );
  }

  /** Number of running learning processes of this scorer. */
  learnings(): number {
    const command = `train\0--config.file=${this.configFile}`;
    return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(command)).length;
  }

  async clear(): Promise<void> {
    await this.#bed.clear();
  }
}

/** What the rules wrote in the last seconds, one step a second, as OpenMetrics: so that there is something to learn. */
export function pastFeatures(services: readonly ServiceName[], seconds: number): string {
  const now = Math.floor(trueTime() / 1000);
  const times = Array.from({ length: seconds }, (_, second) => now - seconds + second);
  const lines = times.flatMap((time) =>
    featureSamples(services, time * 1000).map(({ name, labels, value }) => {
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
