import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aborted, type ProgramContext, runProgram } from '../../daemon/lifecycle.ts';
import { type Flags, HELP_FLAG, parseFlags, renderHelp } from '../../daemon/flags.ts';
import { describeError } from '../../daemon/logger.ts';
import { FAULT_TYPES } from '../../microsim/protocol/fault.ts';
import { DETECTOR_NAMES } from '../../scorer/detectors/settings.ts';
import { freePort } from '../free-port.ts';
import { DEMO_DETECTORS } from './detectors.ts';
import { Observer } from './observation.ts';
import { Processes } from './processes.ts';
import { Scenario } from './scenario.ts';
import { breakableShop } from './shop.ts';
import { startSim } from './sim.ts';
import { ROOT, startStack } from './stack.ts';
import { View } from './view.ts';

const FLAGS = {
  detector: {
    type: 'string',
    default: 'autoencoder',
    choices: [...DETECTOR_NAMES],
    help: 'Detector that has to find the fault.',
  },
  fault: {
    type: 'string',
    choices: [...FAULT_TYPES],
    help: `Fault to inject. Default: latency${otherFaults()}.`,
  },
  service: { type: 'string', default: 'catalog', help: 'Service of the simulated shop to inject the fault into.' },
  learning: { type: 'number', default: 150, help: 'Seconds of normal traffic for learning.' },
  hold: { type: 'number', default: 0, help: 'Seconds to keep the fault after its detection.' },
  report: { type: 'string', default: 'demo-report.json', help: 'Path of the report.' },
  keep: { type: 'boolean', help: 'Keep everything running afterwards, until Ctrl-C.' },
  ...HELP_FLAG,
} as const satisfies Flags;

const USAGE = `npm run demo -- [--detector=autoencoder] [--fault=latency] [--service=catalog] [--keep]
       npm run demo -- --kubernetes [--help]`;

/** The faults of the detectors that the usual one isn't for: `; cpu for lstm_autoencoder`. */
function otherFaults(): string {
  return DETECTOR_NAMES.filter((name) => DEMO_DETECTORS[name].fault !== DEMO_DETECTORS.autoencoder.fault)
    .map((name) => `; ${DEMO_DETECTORS[name].fault} for ${name}`)
    .join('');
}

async function main({ argv, stops, signal }: ProgramContext): Promise<number> {
  const { values } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp(USAGE, FLAGS));
    return 0;
  }
  const view = new View();
  const startedAt = Date.now();
  const folder = mkdtempSync(join(tmpdir(), `lorikeet-demo-${process.pid}-`));
  const processes = new Processes(folder);
  stops.onStop('folder', () => rmSync(folder, { recursive: true, force: true }));

  const { detector, service } = values;
  const { alert, fault: usualFault, replicas, traces, brokenOnly } = DEMO_DETECTORS[detector];
  const fault = values.fault ?? usualFault;
  const shop = breakableShop(join(ROOT, 'microsim/topologies/web-shop.yaml'), folder, service, replicas);
  const tracesAddress = traces === true ? `127.0.0.1:${await freePort()}` : undefined;
  const tracesFlags = tracesAddress === undefined ? [] : [`--traces=http://${tracesAddress}`];
  const sim = await startSim(folder, stops, [...shop.flags, ...tracesFlags]);
  view.say(`the simulated shop is up: ${sim.services.length} services, each in its own network namespace and cgroup`);
  stops.onStop('programs', () => processes.stop());
  const learningMs = values.learning * 1000;
  const stack = await startStack({
    folder,
    processes,
    learningMs,
    targetsFile: sim.targetsFile,
    ...(detector !== 'autoencoder' && { detector }),
    tracesAddress,
  });
  view.say(`Prometheus ${stack.prometheusUrl}  Alertmanager ${stack.alertmanagerUrl}  scorer ${stack.scorerUrl}`);

  view.say(
    `for the dashboards, run: npm run preview -- --prometheus.url=${stack.prometheusUrl} --scorer.url=${stack.scorerUrl}`,
  );

  const scenario = new Scenario({
    observer: new Observer(stack.prometheusUrl, stack.alertmanagerUrl, { detector, alert }),
    processes,
    view,
    services: sim.services,
    detector,
    alert,
    fault,
    service,
    pod: shop.broken === service ? undefined : shop.broken,
    judged: brokenOnly === true ? [service] : sim.services,
    learningMs,
    holdMs: values.hold * 1000,
    startFault: () => sim.fault(shop.broken, fault),
    clearFault: () => sim.clearFault(),
    signal,
    startedAt,
    setupSeconds: Number(process.env['LORIKEET_SETUP_SECONDS'] ?? 0),
  });
  const status = await runScenario(scenario, view, values.report, processes, signal);
  if (values.keep && !signal.aborted) {
    view.say('everything keeps running; press Ctrl-C to stop');
    await aborted(signal);
  }
  return status;
}

/** Runs the scenario, writes the report and prints the outcome. @returns the exit status */
async function runScenario(
  scenario: Scenario,
  view: View,
  path: string,
  processes: Processes,
  signal: AbortSignal,
): Promise<number> {
  let reason: string | undefined;
  try {
    await scenario.run();
  } catch (error) {
    reason = signal.aborted ? 'interrupted' : describeError(error);
    if (!signal.aborted) view.say(`last log lines of the scorer:\n${processes.lastLines('scorer')}`);
  }
  writeFileSync(path, `${JSON.stringify(scenario.report, null, 2)}\n`);
  view.say(reason === undefined ? `all steps succeeded; see ${path}` : `failed: ${reason}`);
  return reason === undefined ? 0 : 1;
}

/** Prometheus and a dozen services need time to stop completely. */
const STOP_TIMEOUT_MS = 60_000;

await runProgram('demo', main, STOP_TIMEOUT_MS);
