import { Callee } from '../service/callee.ts';
import { LoadPattern, type LoadSettings } from '../protocol/load-pattern.ts';
import type { CalleeAddress, LoadConfig } from '../protocol/process-config.ts';
import { createRandom, type Random } from '../protocol/random.ts';
import type { LoadStats } from '../protocol/status.ts';
import { Traffic } from '../service/traffic.ts';
import { drawWeighted } from './weighted.ts';

const TIMEOUT_MS = 3000;
const MAX_CONCURRENT = 100;
/** Milliseconds between checks of the rate when it is near zero. */
const MAX_GAP_MS = 500;
const MAX_LATENESS_MS = 200;

/**
 * Sends requests whether or not earlier ones were answered (open loop), like independent users: a slow
 * service does not get fewer of them. Gaps are exponential at the rate of the pattern.
 */
export class LoadGenerator {
  readonly #config: LoadConfig;
  readonly #random: Random;
  readonly #pattern: LoadPattern;
  readonly #callees = new Map<string, Callee>();
  readonly #traffic = new Traffic();
  readonly #byName = new Map<string, number>();
  readonly #began = performance.now();
  #settings: LoadSettings;
  #active = 0;
  #dropped = 0;
  #due = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(config: LoadConfig) {
    this.#config = config;
    this.#settings = config.settings;
    this.#random = createRandom(config.seed);
    this.#pattern = new LoadPattern(config.seed + 1);
  }

  change(settings: LoadSettings): void {
    this.#settings = settings;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#due = performance.now();
    this.#schedule();
  }

  /** One request to a service on a host, without calls to others. @throws CallError unless it answers 200. */
  async probe(service: string, host: string): Promise<void> {
    const { callees } = this.#config;
    const address = Object.hasOwn(callees, service) ? callees[service] : undefined;
    if (address === undefined) throw new Error(`no such service: ${service}`);
    await this.#callee(`probe of ${service} on ${host}`, { host, port: address.port }).call(
      JSON.stringify({ designation: service }),
    );
  }

  stats(): LoadStats {
    const { user, system } = process.cpuUsage();
    return {
      settings: this.#settings,
      target_rate: this.#rate(),
      active: this.#active,
      dropped: this.#dropped,
      ...this.#traffic.stats(),
      cpu_seconds: (user + system) / 1e6,
      rss_mb: process.memoryUsage.rss() / 1024 / 1024,
      by_name: Object.fromEntries(this.#byName),
    };
  }

  #rate(): number {
    return this.#pattern.rateAt(performance.now() - this.#began, this.#settings);
  }

  #schedule(): void {
    const rate = this.#rate();
    const gap = rate > 0 ? this.#random.exponential(1000 / rate) : Infinity;
    // From the due time of the last request, so late timers do not lower the rate. Bounded: a process that
    // was stopped for long does not catch up.
    const now = performance.now();
    this.#due = Math.max(this.#due, now - MAX_LATENESS_MS) + Math.min(gap, MAX_GAP_MS);
    this.#timer = setTimeout(() => {
      // A shortened gap without a request keeps arrivals exponential: the distribution is memoryless.
      if (gap <= MAX_GAP_MS) void this.#send();
      this.#schedule();
    }, this.#due - now);
  }

  async #send(): Promise<void> {
    if (this.#active >= MAX_CONCURRENT) {
      this.#dropped += 1;
      return;
    }
    const { name, route } = drawWeighted(this.#config.requests, this.#random);
    const address = this.#config.callees[route.designation];
    if (address === undefined) return;
    const began = performance.now();
    this.#active += 1;
    this.#byName.set(name, (this.#byName.get(name) ?? 0) + 1);
    let failed = false;
    try {
      const path = this.#config.paths === true ? `/${name}` : '/';
      await this.#callee(route.designation, address).call(JSON.stringify(route), path);
    } catch {
      // Counted here; the services' own counts show which one failed.
      failed = true;
    }
    this.#active -= 1;
    this.#traffic.record(performance.now() - began, failed);
  }

  #callee(name: string, address: CalleeAddress): Callee {
    let callee = this.#callees.get(name);
    if (callee === undefined) {
      callee = new Callee(name, address, TIMEOUT_MS);
      this.#callees.set(name, callee);
    }
    return callee;
  }
}
