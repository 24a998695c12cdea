import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { diagnose } from './diagnosis.ts';
import { ImageBuilder, type BuiltImage } from './images/images.ts';
import { ApiClient } from './kubernetes/api-client.ts';
import { Certificates } from './kubernetes/certificates.ts';
import { startControlPlane, type ControlPlane } from './kubernetes/control-plane.ts';
import { ClusterNode } from './kubernetes/node.ts';
import { CONTROL_PLANE, Machine } from './machine/machine.ts';
import { findPrograms, type Programs } from './programs/programs.ts';
import { Times } from './times.ts';
import { until } from './until.ts';

const MANIFESTS = 'scripts/cluster/manifests';
const NODES = ['node1', 'node2'] as const;

/** A Kubernetes cluster of two nodes on this computer, with the images of Lorikeet and names by CoreDNS. */
export class Cluster {
  readonly machine: Machine;
  readonly programs: Programs;
  readonly images: ImageBuilder;
  readonly api: ApiClient;
  readonly nodes: readonly ClusterNode[];
  readonly #kubeconfig: string;

  private constructor(machine: Machine, programs: Programs, nodes: readonly ClusterNode[], plane: ControlPlane) {
    this.machine = machine;
    this.programs = programs;
    this.nodes = nodes;
    this.images = new ImageBuilder(machine, programs);
    this.api = new ApiClient(plane.socket);
    this.#kubeconfig = plane.kubeconfig;
  }

  /**
   * Builds the images and starts the cluster. It ends with this process, however that ends.
   *
   * @param times gets `images` and `nodes ready`
   * @throws Error if it does not start; then nothing is left
   */
  static async start(times: Times = new Times()): Promise<Cluster> {
    const programs = findPrograms();
    const machine = await Machine.start(NODES);
    try {
      const certificates = new Certificates(join(machine.folder, 'pki'));
      const nodes = NODES.map((name, index) => new ClusterNode(machine, programs, name, index + 1));
      for (const node of nodes) node.startRuntime();
      const plane = startControlPlane(machine, programs, certificates);
      const cluster = new Cluster(machine, programs, nodes, plane);
      await times.measure('images built and imported', () => cluster.#buildImages());
      await times
        .measure('nodes ready', () => cluster.#startNodes(plane, certificates))
        .catch(async (cause: unknown) => {
          throw new Error(`the nodes did not start:\n${await diagnose(cluster)}`, { cause });
        });
      return cluster;
    } catch (error) {
      await machine.stop();
      throw error;
    }
  }

  async #buildImages(): Promise<void> {
    const pause = await this.images.pause();
    const others = await this.images.others();
    const lorikeet = this.images.lorikeet();
    for (const node of this.nodes) {
      await this.until(`containerd of ${node.name}`, 60, () => node.runtimeAnswers().then(() => true));
      for (const { archive } of [pause, ...others, ...lorikeet] satisfies BuiltImage[]) await node.importImage(archive);
    }
  }

  async #startNodes(plane: ControlPlane, certificates: Certificates): Promise<void> {
    await this.until('the API server', 180, () => this.api.text('GET', '/readyz').then(() => true));
    plane.startControllers();
    for (const node of this.nodes) {
      node.startKubelet(certificates);
      node.startProxy(certificates);
    }
    await this.until('nodes', 180, async () => {
      const names = this.nodes.map(({ name }) => `node/${name}`);
      await this.kubectl(['wait', '--for=condition=Ready', '--timeout=20s', ...names]);
      return true;
    });
    await this.apply('storage.yaml');
    await this.apply('dns.yaml');
    await this.kubectl(['-n', 'kube-system', 'rollout', 'status', 'deployment/coredns', '--timeout=180s']);
  }

  /** Runs kubectl as the administrator and resolves with its output. @throws Error with its error message */
  kubectl(args: readonly string[], stdin = ''): Promise<string> {
    return this.machine.run(CONTROL_PLANE, [this.programs.kubectl, ...args], { stdin, env: this.#environment() });
  }

  /** For a user's shell: what to type before kubectl's arguments. */
  kubectlCommand(): string {
    const enter = ['sh', 'scripts/cluster/machine/enter.sh', this.machine.folder, CONTROL_PLANE];
    return [...enter, this.programs.kubectl, `--kubeconfig=${this.#kubeconfig}`].join(' ');
  }

  /** Runs helm as the administrator, with its own cache and settings. @throws Error with its error message */
  helm(args: readonly string[]): Promise<string> {
    return this.machine.run(CONTROL_PLANE, [this.programs.helm, ...args], { env: this.#environment() });
  }

  /** Applies a file of scripts/cluster/manifests, with other text in place of some of its words. */
  async apply(file: string, replacements: Readonly<Record<string, string>> = {}): Promise<void> {
    let text = readFileSync(join(MANIFESTS, file), 'utf8');
    for (const [word, value] of Object.entries(replacements)) text = text.replaceAll(word, value);
    await this.kubectl(['apply', '-f', '-'], text);
  }

  /** Polls until an attempt succeeds. @throws Error with its cause; or at once, if a program of the cluster has ended */
  until<Value>(what: string, seconds: number, attempt: () => Promise<Value | undefined | false>): Promise<Value> {
    return until(what, { seconds, check: () => this.machine.check() }, attempt);
  }

  /** Ends and removes all of it. Idempotent. @throws Error if something is left */
  async stop(): Promise<void> {
    await this.api.close();
    await this.machine.stop();
  }

  #environment(): Readonly<Record<string, string>> {
    const home = join(this.machine.folder, 'home');
    return {
      KUBECONFIG: this.#kubeconfig,
      HOME: home,
      HELM_CACHE_HOME: join(home, 'cache'),
      HELM_CONFIG_HOME: join(home, 'config'),
      HELM_DATA_HOME: join(home, 'data'),
    };
  }
}
