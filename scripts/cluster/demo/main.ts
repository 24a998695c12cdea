import { type Flags, HELP_FLAG, parseFlags, renderHelp, UsageError } from '../../../daemon/flags.ts';
import { aborted, type ProgramContext, runProgram } from '../../../daemon/lifecycle.ts';
import { describeError } from '../../../daemon/logger.ts';
import { Cluster } from '../cluster.ts';
import { missingPrograms } from '../programs/programs.ts';
import { Anomalies } from '../scenario/anomalies.ts';
import { installLorikeet, uninstallLorikeet, upgradeToDemoTime } from '../scenario/lorikeet.ts';
import { Monitoring } from '../scenario/monitoring.ts';
import { Shop, SHOP_SERVICES } from '../scenario/shop.ts';
import { Times } from '../times.ts';

const FLAGS = {
  kubernetes: { type: 'boolean', help: 'Run the demo in a Kubernetes cluster of two nodes on this computer.' },
  service: { type: 'string', default: 'catalog', help: 'Service of the simulated shop to slow down.' },
  keep: { type: 'boolean', help: 'Keep the cluster, with the fault, until Ctrl-C.' },
  ...HELP_FLAG,
} as const satisfies Flags;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main({ argv, stops, signal }: ProgramContext): Promise<number> {
  const { values } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run demo -- --kubernetes [--service=catalog] [--keep]', FLAGS));
    return 0;
  }
  const { service } = values;
  if (!SHOP_SERVICES.some((name) => name === service)) {
    throw new UsageError(`--service: expected one of ${SHOP_SERVICES.join(', ')}, got "${service}"`);
  }
  const missing = missingPrograms();
  if (missing.length > 0) {
    say(`SKIPPED: a cluster needs what this computer lacks: ${missing.join(', ')}`);
    return 0;
  }
  const times = new Times();
  const step = async <Value>(what: string, work: () => Promise<Value>): Promise<Value> => {
    signal.throwIfAborted();
    const value = await times.measure(what, work);
    say(times.lastRow());
    return value;
  };
  say('building images, starting a cluster of two nodes');
  const cluster = await Cluster.start(times);
  stops.onStop('cluster', () => cluster.stop());
  say(`for kubectl, run: ${cluster.kubectlCommand()}`);
  try {
    await show(cluster, service, step);
  } catch (error) {
    if (!values.keep || signal.aborted) throw error;
    say(`failed: ${describeError(error)}`);
    await kept(signal);
    return 1;
  }
  if (values.keep) {
    await kept(signal);
    return 0;
  }
  await step('chart uninstalled', () => uninstallLorikeet(cluster));
  await step('cluster removed', () => cluster.stop());
  say(`\n${times.render()}`);
  return 0;
}

async function kept(signal: AbortSignal): Promise<void> {
  say('the cluster keeps running; press Ctrl-C to remove it');
  await aborted(signal);
}

async function show(
  cluster: Cluster,
  service: string,
  step: <Value>(what: string, work: () => Promise<Value>) => Promise<Value>,
): Promise<void> {
  const monitoring = await step('Prometheus ready', () => Monitoring.install(cluster));
  await step('chart installed', () => installLorikeet(cluster));
  await step('chart upgraded to demo time', () => upgradeToDemoTime(cluster));
  const shop = await step('shop ready', () => Shop.deploy(cluster));
  const anomalies = new Anomalies(cluster, monitoring);
  await step('first score', () => anomalies.firstScores());
  say(`${service} answers 300 ms later from now on`);
  await shop.slowDown(service);
  await step('score above 1', () => anomalies.scoreAboveOne(service));
  await step('alert fires', () => anomalies.alertFires(service));
  await step(`${service} is the first cause`, () => anomalies.isFirstCause(service));
}

const STOP_TIMEOUT_MS = 60_000;

await runProgram('demo', main, STOP_TIMEOUT_MS);
