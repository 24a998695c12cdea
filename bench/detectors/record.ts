import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { dump } from 'js-yaml';
import { formatDuration } from '../../daemon/config-file.ts';
import { UsageError } from '../../daemon/flags.ts';
import { StopStack } from '../../daemon/lifecycle.ts';
import { SimError } from '../../microsim/protocol/error.ts';
import { parseFeatures } from '../../scorer/features/features.ts';
import { RECORDING_PARTS, renderRecordingRules } from '../../scorer/features/recording-rules.ts';
import { SHIPPED_FEATURES } from '../../scorer/paths.ts';
import { Processes } from '../../scripts/demo/processes.ts';
import { type RunningSim, startSim } from '../../scripts/demo/sim.ts';
import { program } from '../../scripts/demo/stack.ts';
import { scaleYaml } from '../../scripts/demo/time-scale.ts';
import { freePort } from '../../scripts/free-port.ts';
import { describeMachine } from '../results.ts';
import { type RecordedFault, recordingPaths, writeRecording } from './recording.ts';
import { type Design, type PlannedFault, planScenarios } from './scenarios.ts';
import { SpansLog } from './spans-log.ts';

export interface RecordOptions {
  readonly folder: string;
  readonly seed: number;
  readonly scale: number;
  readonly design: Design;
  /** Milliseconds without faults: to train on, and to test normal operation with. */
  readonly trainingMs: number;
  readonly normalMs: number;
  readonly recoveryMs: number;
  readonly stops: StopStack;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Started programs still compile their code, and rates need two scrapes. */
const SETTLE_MS = 20_000;
const RULE_INTERVAL_MS = 2000;
/** A fault has to last for a few steps. */
const MIN_FAULT_MS = 10_000;
/** Spans are sent in batches, every second. */
const LAST_SPANS_MS = 3000;
/** The simulation waits this long until a service answers again. */
const ANSWER_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 60_000;

/**
 * Runs the simulated shop, first without faults, then with those of all scenarios, and keeps all server spans and the
 * features of services and pods.
 *
 * @throws UsageError if the folder already has a recording
 */
export async function recordScenarios(options: RecordOptions): Promise<void> {
  const { folder, seed, scale, design, trainingMs, normalMs, recoveryMs, signal, say } = options;
  const paths = recordingPaths(folder);
  if (existsSync(paths.spans)) throw new UsageError(`${folder}: already has a recording`);
  mkdirSync(folder, { recursive: true });
  const plan = planScenarios(design, scale, MIN_FAULT_MS);
  const session = new StopStack();
  options.stops.onStop('recording', () => session.stop(STOP_TIMEOUT_MS));
  try {
    const spans = new SpansLog(paths.spans);
    await spans.start();
    session.onStop('spans', () => spans.stop());
    const sim = await startSim(folder, session, [`--seed=${seed}`, `--traces=${spans.url}`]);
    const processes = new Processes(folder);
    session.onStop('programs', () => processes.stop());
    await startPrometheus(folder, sim.targetsFile, processes);
    await sleep(SETTLE_MS, undefined, { signal });
    const fromMs = Date.now();
    const faultsMs = plan.reduce((sum, { durationMs }) => sum + durationMs + recoveryMs, 0);
    const minutes = (milliseconds: number) => (milliseconds / 60_000).toFixed(1);
    say(`${minutes(trainingMs + normalMs)} min without faults, then ${plan.length} faults in ${minutes(faultsMs)} min`);
    await sleep(trainingMs + normalMs, undefined, { signal });
    const normalFromMs = fromMs + trainingMs;
    const faultsFromMs = Date.now();
    const faults: RecordedFault[] = [];
    for (const planned of plan) {
      processes.check();
      faults.push(await inject(sim, planned, options));
      await sleep(recoveryMs, undefined, { signal });
      // After each fault, so that an interrupted recording is worth something.
      const times = { fromMs, normalFromMs, faultsFromMs, toMs: Date.now() };
      writeRecording(folder, { seed, scale, design, recoveryMs, ...times, faults, machine: describeMachine() });
    }
    await sleep(LAST_SPANS_MS, undefined, { signal });
    say(`recorded in ${folder}: ${spans.received} server spans, ${spans.invalid} invalid ones`);
  } finally {
    await session.stop(STOP_TIMEOUT_MS);
  }
}

async function inject(sim: RunningSim, planned: PlannedFault, { signal, say }: RecordOptions): Promise<RecordedFault> {
  const { service, type, args, durationMs } = planned;
  const fromMs = Date.now();
  await sim.client.fault(service, type, args);
  say(`${type} ${service} ${JSON.stringify(args)} for ${(durationMs / 1000).toFixed(0)} s`);
  await sleep(Math.max(0, fromMs + durationMs - Date.now()), undefined, { signal });
  await clear(sim, planned, signal);
  return { ...planned, fromMs, toMs: Date.now() };
}

/** Undoes a fault and waits until nothing of it is left. */
async function clear(sim: RunningSim, { type, args }: PlannedFault, signal: AbortSignal): Promise<void> {
  // Requests that are delayed stay so, and may take all places of the service.
  const heldMs = type === 'latency' ? Number(args['delay']) : 0;
  const until = Date.now() + heldMs;
  try {
    await sim.client.clearFault();
  } catch (error) {
    if (!(error instanceof SimError) || heldMs < ANSWER_TIMEOUT_MS) throw error;
  }
  await sleep(Math.max(0, until - Date.now()), undefined, { signal });
}

/** Exporter and Prometheus with the recording rules of services and pods, in demo time. */
async function startPrometheus(folder: string, targetsFile: string, processes: Processes): Promise<void> {
  const paths = recordingPaths(folder);
  const features = scaleYaml(readFileSync(SHIPPED_FEATURES, 'utf8'), ['windows']);
  const set = parseFeatures('features.yaml', features);
  writeFileSync(paths.features, features);
  const ruleFiles = RECORDING_PARTS.map((part) => {
    const path = `${paths.rules}.${part}.yaml`;
    writeFileSync(path, renderRecordingRules(set, { part, intervalMs: RULE_INTERVAL_MS }));
    return path;
  });
  const exporter = await freePort();
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: formatDuration(RULE_INTERVAL_MS) },
    rule_files: ruleFiles,
    scrape_configs: [
      { job_name: 'lorikeet-exporter', honor_labels: true, static_configs: [{ targets: [`127.0.0.1:${exporter}`] }] },
    ],
  };
  writeFileSync(paths.prometheusConfig, dump(config, { lineWidth: -1 }));
  processes.start('exporter', process.execPath, [
    program('lorikeet-exporter'),
    `--targets.file=${targetsFile}`,
    '--collector.syscalls',
    `--web.listen-address=127.0.0.1:${exporter}`,
  ]);
  processes.start('prometheus', 'prometheus', [
    `--config.file=${paths.prometheusConfig}`,
    `--storage.tsdb.path=${paths.prometheus}`,
    `--web.listen-address=127.0.0.1:${await freePort()}`,
    '--log.level=warn',
  ]);
}
