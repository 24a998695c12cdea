import { freePort } from '../../scripts/free-port.ts';
import { RunningProgram, serving } from '../running-program.ts';
import { FedScorer } from '../scorer/fed-scorer.ts';
import { until } from '../until.ts';
import { ask, COMMON, reloadUntil } from './happenings.ts';
import type { Contestant, Happening } from './races.ts';

const INVALID = [
  'interval: [\n',
  'intervall: 1m\n',
  'maintenance: ["("]\n',
  'expected: { alertmanager: { url: "http://a", tls_config: { ca_file: gone.pem } } }\n',
];

/** The scorer with all that it needs, and a model that is always outdated. */
export class RacingScorer implements Contestant {
  readonly name = 'scorer';
  /** Cycles and features are late where the machine is busy. */
  readonly mayLog =
    /reload failed, the previous configuration|problem found|cycles skipped|features come later|less often|no response within/;
  readonly #fed: FedScorer;
  readonly #traces: string;

  private constructor(fed: FedScorer, traces: string) {
    this.#fed = fed;
    this.#traces = traces;
  }

  static async open(): Promise<RacingScorer> {
    return new RacingScorer(await FedScorer.open(), `127.0.0.1:${await freePort()}`);
  }

  get happenings(): Readonly<Record<string, Happening>> {
    const fed = this.#fed;
    return {
      ...COMMON,
      'a configuration': () => fed.write(),
      'a configuration that takes traces': () => fed.write(`traces: { listen_address: '${this.#traces}' }\n`),
      'an invalid configuration': (_, random) => fed.write(INVALID[Math.floor(random.uniform() * INVALID.length)]),
      'the tensors': async (program) => void (await ask(program, '/tensors')),
      // Nothing is drawn before the first cycle.
      'a picture': async (program) =>
        void (await ask(program, '/tensors/shop/cart.png', { statuses: [200, 404, 503] })),
      traces: async () => {
        const headers = { 'content-type': 'application/json', connection: 'close' };
        const answered = fetch(`http://${this.#traces}/v1/traces`, { method: 'POST', headers, body: '{}' });
        // Most configurations take none.
        await answered.then((answer) => answer.text()).catch(() => undefined);
      },
      'a cycle': async (program) => {
        const last = () => program.value('lorikeet_scorer_last_cycle_timestamp_seconds');
        const before = await last();
        await until('a cycle', async () => (await last()) !== before, { timeoutMs: 2000 }).catch(() => undefined);
      },
      'learning begins': async () => {
        await until('learning', () => fed.learnings() > 0, { timeoutMs: 2000 }).catch(() => undefined);
      },
    };
  }

  async start() {
    this.#fed.write();
    return await RunningProgram.start(serving('scorer', this.#fed.flags), { cwd: this.#fed.folder });
  }

  launch() {
    this.#fed.write();
    return RunningProgram.launch(serving('scorer', this.#fed.flags), { cwd: this.#fed.folder });
  }

  async settle(program: RunningProgram): Promise<void> {
    this.#fed.write();
    const { delaySeconds } = this.#fed;
    await reloadUntil(program, async () => (await program.value('lorikeet_scorer_delay_seconds')) === delaySeconds);
  }

  async afterEnd(): Promise<void> {
    await until('the learning to end with its scorer', () => this.#fed.learnings() === 0);
    const refused = this.#fed.receiver.requests.find(({ status }) => status >= 400);
    if (refused !== undefined) throw new Error(`samples refused: ${refused.reason}`);
  }

  async remove(): Promise<void> {
    await this.#fed.clear();
  }
}
