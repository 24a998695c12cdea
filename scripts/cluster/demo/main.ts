import { aborted, type ProgramContext, runProgram } from '../../../daemon/lifecycle.ts';
import { type Flags, HELP_FLAG, parseFlags, renderHelp } from '../../../daemon/flags.ts';
import { Cluster } from '../cluster.ts';
import { diagnose } from '../diagnosis.ts';
import { missingPrograms } from '../programs/programs.ts';
import { Anomalies } from '../scenario/anomalies.ts';
import { installLorikeet, uninstallLorikeet, upgradeToDemoTime } from '../scenario/lorikeet.ts';
import { Monitoring } from '../scenario/monitoring.ts';
import { Shop, SHOP_SERVICES } from '../scenario/shop.ts';
import { Times } from '../times.ts';

const FLAGS = {
  kubernetes: { type: 'boolean', help: 'Run in a Kubernetes cluster of two nodes on this computer.' },
  service: {
    type: 'string',
    default: 'catalog',
    choices: [...SHOP_SERVICES],
    help: 'Service of the simulated shop to slow down.',
  },
  keep: { type: 'boolean', help: 'Keep the cluster afterwards, until Ctrl-C.' },
  ...HELP_FLAG,
} as const satisfies Flags;

/** Containers get 30 s to end. */
const STOP_TIMEOUT_MS = 60_000;

const say = (line: string) => process.stdout.write(`${line}\n`);

/** The parts of the demo, each with a line about how long it took. */
class KubernetesDemo {
  readonly #service: string;
  readonly #times = new Times();

  constructor(service: string) {
    this.#service = service;
  }

  startCluster(): Promise<Cluster> {
    return this.#part('cluster of two nodes ready', () => Cluster.start());
  }

  /** Installs all, breaks the service, waits for its alert and for its end. */
  async play(cluster: Cluster): Promise<void> {
    const monitoring = await this.#part('Prometheus ready', () => Monitoring.install(cluster));
    await this.#part("chart installed by README's command", () => installLorikeet(cluster));
    await this.#part('upgraded to five seconds a minute', () => upgradeToDemoTime(cluster));
    const shop = await this.#part('shop ready', () => Shop.deploy(cluster));
    const anomalies = new Anomalies(cluster, monitoring);
    await this.#part('first score of each service', () => anomalies.firstScores());
    const early = await anomalies.firing();
    if (early.length > 0) throw new Error(`expected no alert before the fault, got ${early.join(', ')}`);

    const service = this.#service;
    await shop.slowDown(service);
    await this.#part(`score of ${service} above 1`, () => anomalies.scoreAboveOne(service));
    await this.#part('its alert fires', () => anomalies.alertFires(service));
    await this.#part('it is the first cause', () => anomalies.isFirstCause(service));
    await shop.clear(service);
    await this.#part('all resolved after the end', () => anomalies.resolved(service));
  }

  async uninstall(cluster: Cluster): Promise<void> {
    await this.#part('chart uninstalled', () => uninstallLorikeet(cluster));
  }

  async #part<Value>(what: string, work: () => Promise<Value>): Promise<Value> {
    const value = await this.#times.measure(what, work);
    say(this.#times.lastRow());
    return value;
  }
}

async function main({ argv, stops, signal }: ProgramContext): Promise<number> {
  const { values } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run demo -- --kubernetes [--service=catalog] [--keep]', FLAGS));
    return 0;
  }
  const missing = missingPrograms();
  if (missing.length > 0) {
    say(`SKIPPED, the demo in a cluster: missing ${missing.join(', ')} (needs root, Debian's containerd, and Go)`);
    return 0;
  }
  const interrupted = aborted(signal).then(() => Promise.reject(signal.reason as Error));
  // Not all of the time is somebody waiting for it.
  interrupted.catch(() => undefined);
  const demo = new KubernetesDemo(values.service);
  const cluster = await Promise.race([demo.startCluster(), interrupted]);
  stops.onStop('cluster', () => cluster.stop());
  try {
    await Promise.race([demo.play(cluster), interrupted]);
  } catch (error) {
    if (!signal.aborted) say(await diagnose(cluster));
    throw error;
  }
  if (values.keep) {
    say(`everything keeps running; try \`${cluster.kubectlCommand()} get pods -A\`, and press Ctrl-C to stop`);
    await aborted(signal);
    return 0;
  }
  await Promise.race([demo.uninstall(cluster), interrupted]);
  return 0;
}

await runProgram('demo', main, STOP_TIMEOUT_MS);
