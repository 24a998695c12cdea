import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cgroupMount, cgroupMounts } from '../../daemon/cgroup-mount.ts';
import { nodeAddress } from '../../scripts/cluster/kubernetes/addresses.ts';
import { CONTROL_PLANE, Machine, type RunOptions } from '../../scripts/cluster/machine/machine.ts';
import { until } from '../until.ts';
import { DebianRoot } from './debian-root.ts';

/** What the exporter needs; systemd-nspawn keeps both from its containers. */
const ALLOWED = ['--capability=CAP_BPF,CAP_PERFMON', '--system-call-filter=bpf perf_event_open'];

/** Debian machines with systemd, each a container in a network of its own. They share this machine's kernel. */
export class SystemdHosts {
  readonly addresses: readonly string[];
  readonly #machine: Machine;
  readonly #root: DebianRoot;

  private constructor(machine: Machine, root: DebianRoot, addresses: readonly string[]) {
    this.#machine = machine;
    this.#root = root;
    this.addresses = addresses;
  }

  /** Resolves when systemd runs on all of them. */
  static async start(count: number): Promise<SystemdHosts> {
    const root = new DebianRoot('bookworm', ['systemd', 'systemd-sysv']);
    const addresses = Array.from({ length: count }, (_, index) => nodeAddress(index + 1));
    const machine = await Machine.start(addresses.map(hostOf));
    const hosts = new SystemdHosts(machine, root, addresses);
    try {
      for (const address of addresses) await hosts.#boot(address);
      for (const address of addresses) await hosts.#booted(address);
      return hosts;
    } catch (error) {
      await hosts.stop();
      throw error;
    }
  }

  /** Runs a command on this machine, in a network that reaches all hosts. LORIKEET_SSH reaches their shells. */
  run(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const ssh = ['sh', resolve('test/packages/ssh.sh'), join(cgroupMount() ?? '', this.#machine.name)].join(' ');
    return this.#machine.run(CONTROL_PLANE, args, { ...options, env: { ...options.env, LORIKEET_SSH: ssh } });
  }

  /** Runs a shell's command on a host. @throws Error with its message */
  on(address: string, command: string): Promise<string> {
    return this.run(['sh', '-c', '$LORIKEET_SSH "$@"', 'sh', address, command]);
  }

  /** A file on this machine, which `run` can read. */
  file(name: string, content: string): string {
    const path = join(this.#machine.folder, name);
    writeFileSync(path, content);
    return path;
  }

  async stop(): Promise<void> {
    await this.#machine.stop();
    this.#root.remove();
  }

  /** The root file system of all hosts is one; what a host changes is its own. */
  async #boot(address: string): Promise<void> {
    const host = hostOf(address);
    const layers = join(this.#machine.folder, host);
    const cgroups = cgroupMounts().map(({ path }) => join(path, this.#machine.name, host, 'cgroup.procs'));
    const mount = `lowerdir=${this.#root.folder},upperdir=${layers}/upper,workdir=${layers}/work`;
    const script = `mkdir -p "$0/upper" "$0/work" "$0/root" && mount -t overlay -o "$1" overlay "$0/root"`;
    await this.#machine.run(CONTROL_PLANE, ['sh', '-c', script, layers, mount]);
    const nspawn = ['systemd-nspawn', '--quiet', '--register=no', '--keep-unit', `--machine=${host}`];
    const start = [...nspawn, ...ALLOWED, `--directory=${layers}/root`, '--console=pipe', '--boot'];
    const entered = 'for procs in $0; do echo $$ >"$procs"; done; exec "$@"';
    this.#machine.daemon(host, host, ['sh', '-c', entered, cgroups.join(' '), ...start]);
  }

  async #booted(address: string): Promise<void> {
    let seen = '';
    await until(
      `systemd on ${address}`,
      async () => {
        this.#machine.check();
        seen = await this.on(address, 'systemctl is-system-running --wait').catch(String);
        return seen.startsWith('running');
      },
      { timeoutMs: 60_000, periodMs: 500, seen: () => `${seen}${this.#machine.lastLines(hostOf(address))}` },
    );
  }
}

/** The name of its network; test/packages/ssh.sh knows it as well. */
const hostOf = (address: string): string => address.replace('192.168.77.1', 'host');
