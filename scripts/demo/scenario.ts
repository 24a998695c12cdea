import { setTimeout as sleep } from 'node:timers/promises';
import type { Observer, ServiceRow } from './observation.ts';
import type { Processes } from './processes.ts';
import { INTERVAL_MS } from './stack.ts';
import type { View } from './view.ts';

/** demo-report.json. Times are in seconds since the fault unless named otherwise; null if the event did not happen. */
export interface DemoReport {
  detector: string;
  alert: string;
  fault: string;
  service: string;
  /** The replica with the fault; absent if the service has no others. */
  pod?: string;
  score_crossed_seconds: number | null;
  alert_fired_seconds: number | null;
  root_cause_rank: number | null;
  false_alarms_before_fault: number | null;
  /** Since the fault was cleared. */
  resolved_seconds: number | null;
  setup_seconds: number;
  total_seconds: number;
}

export interface ScenarioOptions {
  readonly observer: Observer;
  readonly processes: Processes;
  readonly view: View;
  readonly services: readonly string[];
  readonly detector: string;
  readonly alert: string;
  readonly fault: string;
  readonly service: string;
  /** The replica that breaks; undefined if the service has no others. */
  readonly pod: string | undefined;
  /** Services that the detector has to score before the fault. */
  readonly judged: readonly string[];
  readonly learningMs: number;
  /** Time to keep the fault after its detection, in milliseconds. */
  readonly holdMs: number;
  readonly startFault: () => Promise<void>;
  readonly clearFault: () => Promise<void>;
  readonly signal: AbortSignal;
  readonly startedAt: number;
  readonly setupSeconds: number;
}

/** A step of the demo timed out or failed. */
export class ScenarioFailure extends Error {
  readonly code = 'SCENARIO';
  override readonly name = 'ScenarioFailure';
}

const LEARN_GRACE_MS = 120_000;
/** Time with normal traffic between learning and the fault: six cycles. */
const WATCH_MS = 6 * INTERVAL_MS;
const DETECT_MS = 100_000;
const RANK_MS = 60_000;
const RESOLVE_MS = 150_000;
const POLL_MS = 500;

/** Learns, injects a fault, and waits for its effects in Prometheus and Alertmanager. Updates `report`. */
export class Scenario {
  readonly #options: ScenarioOptions;
  readonly report: DemoReport;

  constructor(options: ScenarioOptions) {
    this.#options = options;
    this.report = {
      detector: options.detector,
      alert: options.alert,
      fault: options.fault,
      service: options.service,
      ...(options.pod !== undefined && { pod: options.pod }),
      score_crossed_seconds: null,
      alert_fired_seconds: null,
      root_cause_rank: null,
      false_alarms_before_fault: null,
      resolved_seconds: null,
      setup_seconds: options.setupSeconds,
      total_seconds: 0,
    };
  }

  /** @throws ScenarioFailure naming the first failed step. */
  async run(): Promise<void> {
    try {
      await this.#learn();
      await this.#watchNormal();
      await this.#breakService();
      await this.#hold();
      await this.#recover();
    } finally {
      this.report.total_seconds = round(this.#options.setupSeconds + (Date.now() - this.#options.startedAt) / 1000);
    }
  }

  async #learn(): Promise<void> {
    const { learningMs, services, judged, detector, observer } = this.#options;
    const phase = 'learning normal behaviour';
    await this.#until(phase, learningMs + LEARN_GRACE_MS, learningMs + 4 * INTERVAL_MS, async () => {
      const scores = await observer.scores();
      return judged.every((service) => scores.has(service));
    });
    const scored =
      judged.length === services.length ? `all ${services.length} services are` : `${judged.join(', ')} is`;
    this.#say(`${scored} scored by ${detector}`);
  }

  async #watchNormal(): Promise<void> {
    const { observer, alert } = this.#options;
    const deadline = Date.now() + WATCH_MS;
    await this.#until('watching normal traffic', WATCH_MS + 10_000, WATCH_MS, async () => Date.now() >= deadline);
    const alarms = await observer.query(
      `count by (service) (max_over_time(ALERTS{alertname="${alert}",alertstate="firing"}[1h]))`,
    );
    this.report.false_alarms_before_fault = alarms.length;
    const names = alarms.map(({ labels }) => labels['service']).join(', ');
    if (alarms.length > 0) throw new ScenarioFailure(`${alert} fired before the fault: ${names}`);
    this.#say('no alert before the fault');
  }

  async #breakService(): Promise<void> {
    const { observer, service, pod, alert, fault, startFault } = this.#options;
    const broken = pod ?? service;
    await startFault();
    const brokenAt = Date.now();
    const since = () => round((Date.now() - brokenAt) / 1000);
    this.#say(`fault: ${fault} on ${broken}`);
    await this.#until(`${fault} on ${broken}: waiting for its score`, DETECT_MS, undefined, async () => {
      const score = (await observer.scores(pod)).get(service) ?? 0;
      return score > 1;
    });
    this.report.score_crossed_seconds = since();
    this.#say(`${since()} s after the fault: anomaly_score of ${broken} is above 1`);
    await this.#until(`${fault} on ${broken}: waiting for the alert`, DETECT_MS, undefined, async () =>
      (await observer.firingServices()).includes(service),
    );
    this.report.alert_fired_seconds = since();
    this.#say(`${since()} s after the fault: ${alert} fires in Alertmanager`);
    await this.#until(`${fault} on ${broken}: waiting for the root cause`, RANK_MS, undefined, async () => {
      const rank = (await observer.byService('anomaly_root_cause_rank')).get(service);
      this.report.root_cause_rank = rank ?? null;
      return rank === 1;
    });
    this.#say(`${since()} s after the fault: root cause 1 is ${service}`);
  }

  /** Keeps the fault, to look at its effects. */
  async #hold(): Promise<void> {
    const { holdMs } = this.#options;
    if (holdMs === 0) return;
    const deadline = Date.now() + holdMs;
    await this.#until('keeping the fault', holdMs + 10_000, holdMs, async () => Date.now() >= deadline);
  }

  async #recover(): Promise<void> {
    const { observer, service, clearFault } = this.#options;
    await clearFault();
    const clearedAt = Date.now();
    this.#say('fault cleared');
    await this.#until('waiting for scores to fall and alerts to resolve', RESOLVE_MS, undefined, async () => {
      const score = (await observer.scores()).get(service) ?? Infinity;
      return score < 1 && (await observer.firingServices()).length === 0;
    });
    this.report.resolved_seconds = round((Date.now() - clearedAt) / 1000);
    this.#say(`${this.report.resolved_seconds} s after it was cleared: the score is below 1 and no alert is active`);
  }

  /** Polls until `done`, drawing the view; @throws ScenarioFailure after `limitMs`. */
  async #until(
    phase: string,
    limitMs: number,
    expectedMs: number | undefined,
    done: () => Promise<boolean>,
  ): Promise<void> {
    const { processes, view, observer, services, signal, startedAt } = this.#options;
    const began = Date.now();
    for (;;) {
      signal.throwIfAborted();
      processes.check();
      if (await done()) return;
      const elapsed = Date.now() - began;
      if (elapsed > limitMs) throw new ScenarioFailure(`${phase}: timeout after ${Math.round(limitMs / 1000)} s`);
      const share = expectedMs === undefined ? undefined : Math.min(1, elapsed / expectedMs);
      const rows: ServiceRow[] = await observer.table(services);
      view.update({ phase, share, seconds: (Date.now() - startedAt) / 1000, rows });
      await sleep(POLL_MS, undefined, { signal });
    }
  }

  #say(line: string): void {
    this.#options.view.say(`[${((Date.now() - this.#options.startedAt) / 1000).toFixed(0).padStart(3)} s] ${line}`);
  }
}

function round(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
