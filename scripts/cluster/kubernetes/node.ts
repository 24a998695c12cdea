import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DNS_ADDRESS, CLUSTER_DOMAIN, nodeAddress, PODS, podsOfNode } from './addresses.ts';
import type { Certificates } from './certificates.ts';
import type { Machine } from '../machine/machine.ts';
import type { Programs } from '../programs/programs.ts';

/** Image of the container that holds a pod's network. */
export const PAUSE_IMAGE = 'localhost/pause:1';

/** A node: containerd, kubelet and kube-proxy in a network of their own. */
export class ClusterNode {
  readonly name: string;
  readonly #number: number;
  readonly #machine: Machine;
  readonly #programs: Programs;
  readonly #folder: string;
  readonly #socket: string;

  /** @param number of the node, from 1 */
  constructor(machine: Machine, programs: Programs, name: string, number: number) {
    this.name = name;
    this.#number = number;
    this.#machine = machine;
    this.#programs = programs;
    this.#folder = join(machine.folder, name);
    // /run and /var of the machine: the path of a socket has at most 107 characters.
    this.#socket = `/run/${name}.sock`;
    mkdirSync(join(this.#folder, 'cni'), { recursive: true });
  }

  startRuntime(): void {
    const config = join(this.#folder, 'containerd.toml');
    writeFileSync(config, containerdConfig(this.#folder, this.#socket));
    writeFileSync(join(this.#folder, 'cni/10-pods.conflist'), networkConfig(this.name, podsOfNode(this.#number)));
    this.#machine.daemon(`${this.name}-containerd`, this.name, [this.#programs.containerd, `--config=${config}`]);
  }

  /** Copies an image from an archive to the node. containerd must run. */
  async importImage(archive: string): Promise<void> {
    await this.#machine.run(this.name, [this.#programs.ctr, ...this.#containerd(), 'images', 'import', archive]);
  }

  /** Gives an image of the node another name too. */
  async tagImage(name: string, other: string): Promise<void> {
    await this.#machine.run(this.name, [this.#programs.ctr, ...this.#containerd(), 'images', 'tag', name, other]);
  }

  /** Resolves when containerd answers. */
  async runtimeAnswers(): Promise<void> {
    await this.#machine.run(this.name, [this.#programs.ctr, ...this.#containerd(), 'version']);
  }

  startKubelet(certificates: Certificates): void {
    const subject = { name: `system:node:${this.name}`, group: 'system:nodes' };
    const config = join(this.#folder, 'kubelet.yaml');
    writeFileSync(join(this.#folder, 'resolv.conf'), '');
    writeFileSync(config, JSON.stringify(this.#kubeletConfig(certificates)));
    this.#machine.daemon(`${this.name}-kubelet`, this.name, [
      this.#programs.kubelet,
      `--config=${config}`,
      `--kubeconfig=${certificates.kubeconfig(this.name, subject)}`,
      `--root-dir=${join('/var/lib', this.name)}`,
      `--cert-dir=${join(this.#folder, 'pki')}`,
      `--hostname-override=${this.name}`,
      `--node-ip=${nodeAddress(this.#number)}`,
    ]);
  }

  startProxy(certificates: Certificates): void {
    const config = join(this.#folder, 'kube-proxy.yaml');
    const kubeconfig = certificates.kubeconfig(`${this.name}-proxy`, { name: 'system:kube-proxy' });
    writeFileSync(config, JSON.stringify(proxyConfig(this.name, kubeconfig)));
    this.#machine.daemon(`${this.name}-kube-proxy`, this.name, [this.#programs['kube-proxy'], `--config=${config}`]);
  }

  #containerd(): readonly string[] {
    return [`--address=${this.#socket}`, '--namespace=k8s.io'];
  }

  #kubeletConfig({ authority }: Certificates): object {
    return {
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      containerRuntimeEndpoint: `unix://${this.#socket}`,
      clusterDNS: [DNS_ADDRESS],
      clusterDomain: CLUSTER_DOMAIN,
      resolvConf: join(this.#folder, 'resolv.conf'),
      authentication: {
        anonymous: { enabled: false },
        webhook: { enabled: false },
        x509: { clientCAFile: authority.cert },
      },
      authorization: { mode: 'AlwaysAllow' },
      cgroupDriver: 'cgroupfs',
      // Of this node alone: all nodes share the kernel's tree.
      cgroupRoot: `/${this.#machine.name}/${this.name}`,
      enforceNodeAllocatable: [],
      failCgroupV1: false,
      failSwapOn: false,
      // Lower values than other processes have need a privilege that containers of CI lack.
      oomScoreAdj: 0,
      makeIPTablesUtilChains: false,
      localStorageCapacityIsolation: false,
      evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
      // Images come from archives: none could be fetched again.
      imageGCHighThresholdPercent: 100,
      podLogsDir: join('/var/log', this.name),
      volumePluginDir: join(this.#folder, 'volume-plugins'),
      nodeStatusUpdateFrequency: '5s',
      // Changed ConfigMaps, such as those of rules, reach their pods within this time.
      syncFrequency: '5s',
    };
  }
}

function containerdConfig(folder: string, socket: string): string {
  const plugin = (name: string) => `plugins."io.containerd.${name}"`;
  const cri = plugin('grpc.v1.cri');
  return `version = 2
root = "${folder}/root"
state = "${folder}/state"
[grpc]
  address = "${socket}"
[${plugin('internal.v1.opt')}]
  path = "${folder}/opt"
[${cri}]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
[${cri}.cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "${folder}/cni"
[${cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[${cri}.containerd.runtimes.runc.options]
  SystemdCgroup = false
`;
}

/**
 * Each pod is connected with its node by a link of its own, not by a bridge: so the node routes all packets, and
 * kube-proxy's rules see the answers of Services too.
 */
function networkConfig(node: string, subnet: string): string {
  const ipam = { type: 'host-local', ranges: [[{ subnet }]], routes: [{ dst: '0.0.0.0/0' }] };
  return JSON.stringify({ cniVersion: '1.0.0', name: `pods-${node}`, plugins: [{ type: 'ptp', ipam }] });
}

function proxyConfig(node: string, kubeconfig: string): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clientConnection: { kubeconfig },
    hostnameOverride: node,
    clusterCIDR: PODS,
    oomScoreAdj: 0,
    // Settings of the whole kernel stay as they are.
    conntrack: { maxPerCore: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
}
