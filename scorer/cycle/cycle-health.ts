import { ConditionLog, describeError, type Logger } from '../../daemon/logger.ts';
import { redactUrl } from '../../daemon/secrets/redact.ts';

/** Failed cycles in a row after which the scores are marked stale, so that they don't look current. */
const FAILED_CYCLES_UNTIL_STALE = 2;

/** Whether cycles complete: logged on change, and the scorer's readiness. */
export class CycleHealth {
  readonly #conditions: ConditionLog;
  readonly #url: string;
  #failed = 0;
  #ready: true | string = 'no cycle has been completed yet';

  /** @param url of Prometheus, for the log, which leaves out credentials */
  constructor(logger: Logger, url: string) {
    this.#conditions = new ConditionLog(logger);
    this.#url = redactUrl(url);
  }

  /** `true`, or the reason why there are no current scores. */
  get ready(): true | string {
    return this.#ready;
  }

  completed(): void {
    this.#failed = 0;
    this.#ready = true;
    this.#conditions.recovered('cycle', 'cycles complete again');
  }

  /** Returns true once, when the scores have become too old. */
  failed(error: unknown): boolean {
    this.#conditions.failing('cycle', 'cycle failed', error, { url: this.#url });
    this.#failed++;
    if (this.#failed >= FAILED_CYCLES_UNTIL_STALE) this.#ready = `cycles fail: ${describeError(error)}`;
    return this.#failed === FAILED_CYCLES_UNTIL_STALE;
  }
}
