import { mkdirSync, readdirSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { standardOutput } from '../../daemon/streams/line-output.ts';
import { findCgroupMount } from '../../exporter/cgroups/cgroup.ts';
import { RunningProgram, serving } from '../running-program.ts';
import { LONG_RUN } from '../long-run/settings.ts';
import { residentBytes } from '../resident-memory.ts';
import { FedScorer } from '../scorer/fed-scorer.ts';
import { until } from '../until.ts';
import { FAULTS, type Fault, type Patient } from './faults.ts';
import { median } from './measurements.ts';
import { isRising, trendOf } from './trend.ts';

const { minutes: MINUTES = 15 } = LONG_RUN;
/** Time for all to be as before, and the end of it, in which memory is measured; milliseconds. */
const RECOVERY_MS = 8000;
const MEASURED_MS = 3000;
/** Pods at a time; one goes and one comes each time the targets change. */
const PODS = 40;
const CHURN_MS = 250;
/** Rise of resident memory that matters, and that of open files. */
const MEMORY_RISE = 0.05;
const FILES_RISE = 3;
/** Cycles with scores a minute, of 60: Prometheus is away for a part of two of ten faults. */
const LEAST_CYCLES = 30;
/** Measurements that make a trend. */
const LEAST_RESTS = 10;

const PROGRAMS = ['scorer', 'exporter'] as const;

/** What a program was like after a fault. */
interface Rest {
  readonly residentMb: number;
  readonly files: number;
  /** The longest time for the health page, since the fault before. */
  readonly healthMs: number;
}

/** Pods come and go, and the targets file says so, until `signal`. */
async function churn(targetsFile: string, root: string, signal: AbortSignal): Promise<void> {
  const pods: string[] = [];
  for (let pod = 0; !signal.aborted; pod++) {
    const name = `pod-${pod}`;
    mkdirSync(join(root, name));
    pods.push(name);
    if (pods.length > PODS) rmdirSync(join(root, pods.shift() ?? ''));
    const below = root.slice(findCgroupMount().length);
    const entries = pods.map((one) => `  - { namespace: soak, service: ${one}, cgroup: ${below}/${one} }\n`);
    writeFileSync(`${targetsFile}.new`, `targets:\n${entries.join('')}`);
    renameSync(`${targetsFile}.new`, targetsFile);
    await sleep(CHURN_MS);
  }
  for (const name of pods) rmdirSync(join(root, name));
}

/** Follows cycles, drops and the health pages of the programs. */
class Watch {
  /**
   * Times of complete cycles, milliseconds since the epoch, each with the least number of scored services seen at that
   * time: none while Prometheus has no features, such as after a rest of this process, which writes them.
   */
  readonly cycles = new Map<number, number>();
  readonly rests: Record<(typeof PROGRAMS)[number], Rest[]> = { scorer: [], exporter: [] };
  dropped = 0;
  #longestMs = { scorer: 0, exporter: 0 };
  readonly #patient: Patient;

  constructor(patient: Patient) {
    this.#patient = patient;
  }

  async look(): Promise<void> {
    const samples = await this.#patient.scorer.samples('lorikeet_scorer_');
    const cycle = Math.round((samples['lorikeet_scorer_last_cycle_timestamp_seconds'] ?? 0) * 1000);
    const scored = samples['lorikeet_scorer_services{state="scored"}'] ?? 0;
    if (cycle > 0) this.cycles.set(cycle, Math.min(this.cycles.get(cycle) ?? Infinity, scored));
    const dropped = Object.entries(samples).filter(([name]) =>
      name.startsWith('lorikeet_scorer_samples_dropped_total{'),
    );
    this.dropped = Math.max(this.dropped, ...dropped.map(([, count]) => count));
    for (const name of PROGRAMS) {
      const started = performance.now();
      expect(await this.#patient[name].isHealthy(), name).toBe(true);
      this.#longestMs[name] = Math.max(this.#longestMs[name], performance.now() - started);
    }
    await this.#patient.exporter.get('/metrics');
  }

  rested(name: (typeof PROGRAMS)[number], resident: readonly number[]): void {
    const files = readdirSync(`/proc/${this.#patient[name].pid}/fd`).length;
    this.rests[name].push({ residentMb: median(resident), files, healthMs: this.#longestMs[name] });
    this.#longestMs[name] = 0;
  }
}

async function faultInTurn(patient: Patient, watch: Watch, fault: Fault): Promise<void> {
  const over = new AbortController();
  const happening = fault.happen(patient).finally(() => over.abort());
  const look = async (): Promise<void> => {
    await watch.look();
    await sleep(300);
  };
  do await look();
  while (!over.signal.aborted);
  await happening;
  const recoveredAt = performance.now() + RECOVERY_MS;
  const resident: Record<(typeof PROGRAMS)[number], number[]> = { scorer: [], exporter: [] };
  while (performance.now() < recoveredAt) {
    await look();
    if (performance.now() < recoveredAt - MEASURED_MS) continue;
    for (const name of PROGRAMS) resident[name].push(residentBytes(patient[name].pid) / 1e6);
  }
  for (const name of PROGRAMS) watch.rested(name, resident[name]);
}

function report(names: readonly string[], { rests }: Watch): void {
  for (const [at, name] of names.entries()) {
    const cells = PROGRAMS.map((program) => {
      const { residentMb, files, healthMs } = rests[program][at] ?? { residentMb: NaN, files: NaN, healthMs: NaN };
      return `${program} ${residentMb.toFixed(1)} MB ${files} files, health ${healthMs.toFixed(0)} ms`;
    });
    standardOutput.write(`${name.padEnd(58)} ${cells.join('; ')}\n`);
  }
}

test(`${MINUTES} minutes of faults in turn cost no memory, no file descriptors and no scores`, async () => {
  const fed = await FedScorer.open('2s');
  const root = join(findCgroupMount(), `lorikeet-soak-${process.pid}`);
  mkdirSync(root);
  const targetsFile = join(fed.folder, 'targets.yaml');
  writeFileSync(targetsFile, 'targets: []\n');
  const running: RunningProgram[] = [];
  const start = async (name: (typeof PROGRAMS)[number], args: readonly string[]): Promise<RunningProgram> => {
    const program = await RunningProgram.start(serving(name, args), { cwd: fed.folder });
    running.push(program);
    return program;
  };
  const stopped = new AbortController();
  const churning = churn(targetsFile, root, stopped.signal);
  const happened: string[] = [];
  try {
    const scorer = await start('scorer', fed.flags);
    const exporter = await start('exporter', [`--targets.file=${targetsFile}`]);
    const patient = { fed, scorer, exporter, targetsFile };
    const watch = new Watch(patient);
    const end = performance.now() + MINUTES * 60_000;
    try {
      for (let at = 0; performance.now() < end; at++) {
        const fault = FAULTS[at % FAULTS.length] as Fault;
        await faultInTurn(patient, watch, fault);
        happened.push(fault.name);
      }
    } finally {
      report(happened, watch);
    }

    // Every cycle with scores has reached the receiver, whatever the receiver was like at that time.
    const { receiver } = fed;
    const mustArrive = [...watch.cycles].filter(([, scored]) => scored > 0).map(([time]) => time);
    expect(mustArrive.length).toBeGreaterThan(MINUTES * LEAST_CYCLES);
    const missing = () => mustArrive.filter((time) => !receiver.times().has(time));
    await until('all scores', () => missing().length === 0, { timeoutMs: 30_000, seen: () => String(missing()) });
    standardOutput.write(`${mustArrive.length} cycles seen, all of them written; ${receiver.accepted()} samples\n`);
    expect(watch.dropped).toBe(0);
    expect(receiver.requests.filter(({ reason }) => reason !== '')).toEqual([]);

    for (const name of PROGRAMS) {
      // Without the first round, in which each fault is met for the first time.
      const rests = watch.rests[name].slice(FAULTS.length);
      if (rests.length < LEAST_RESTS) {
        standardOutput.write(`${name}: too short a run for a trend, which takes two rounds of faults\n`);
        continue;
      }
      const [resident, files] = [rests.map(({ residentMb }) => residentMb), rests.map((rest) => rest.files)];
      for (const [what, values] of Object.entries({ resident, files })) {
        const { slope, chance } = trendOf(values);
        const figures = `${slope.toFixed(4)} a fault, by chance with a probability of ${chance.toFixed(3)}`;
        standardOutput.write(`${name}: ${what}: median ${median(values).toFixed(1)}, slope ${figures}\n`);
      }
      expect(isRising(resident, MEMORY_RISE * median(resident)), `${name}: resident memory`).toBe(false);
      expect(isRising(files, FILES_RISE), `${name}: open files`).toBe(false);
    }
    for (const program of running) program.signal('SIGTERM');
    await until('both to end', () => running.every((program) => program.ended() !== undefined), { timeoutMs: 30_000 });
    expect(running.map((program) => program.ended())).toEqual([0, 0]);
  } finally {
    stopped.abort();
    await churning;
    for (const program of running) await program.kill();
    await fed.clear();
    rmdirSync(root);
  }
});
