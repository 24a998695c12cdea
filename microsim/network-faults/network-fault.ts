import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FaultUnavailableError } from '../protocol/error.ts';
import type { Fault, FaultArgs, NetworkFaultType } from '../protocol/fault.ts';
import { LifelineProcess } from './lifeline-process.ts';
import { withPacketFault } from './packet-program.ts';

/** The service whose network becomes faulty. */
export interface NetworkPlace {
  /** Path of its network namespace, in which `eth0` has its address. */
  readonly netnsPath: string;
  readonly address: string;
  /** All addresses that it can reach, such as 10.88.0.0/24. */
  readonly network: string;
  /** Address of the callee if the fault affects one edge. */
  readonly peer: string | undefined;
  /** The directory of the built programs. */
  readonly programs: string;
  /** Path of a file that may be written and is removed. */
  readonly scratch: string;
}

/** A fault that is in effect until it is stopped, or this process ends. */
export interface NetworkFault {
  stop(): Promise<void>;
}

const DEVICE = 'eth0';

/** Runs `$1`, reports and waits for the end of its input; then, and after any failure, runs `$2`. */
const UNTIL_CLOSED = `trap 'eval "$2" 2>/dev/null' EXIT; set -e; eval "$1"; echo ready; read -r _ || true`;

/**
 * Injects a fault into the network of a service.
 *
 * @throws FaultUnavailableError if the kernel refuses it, or a tool that it needs is not there.
 */
export async function startNetworkFault(
  { type, args }: Fault & { readonly type: NetworkFaultType },
  place: NetworkPlace,
): Promise<NetworkFault> {
  try {
    switch (type) {
      case 'packet_loss':
        return await attachProgram('tc/loss', args, place);
      case 'packet_corruption':
        return await attachProgram('tc/corruption', args, place);
      case 'packet_reordering':
        return await holdPackets({ ...args, jitter: 0 }, place);
      case 'network_delay':
        return await holdPackets({ ...args, share: 1 }, place);
      case 'bandwidth':
        return await limitRate(args, place);
    }
  } catch (cause) {
    throw new FaultUnavailableError(`${type} is not available here: ${(cause as Error).message}`, { cause });
  }
}

/** A BPF program at egress of the device. */
async function attachProgram(section: string, args: FaultArgs, place: NetworkPlace): Promise<NetworkFault> {
  const { share = 0, seed = 0 } = args;
  const object = readFileSync(built(place, 'lorikeet-sim.bpf.o'));
  const { peer: destination, scratch } = place;
  writeFileSync(scratch, withPacketFault(object, { share, seed, ...(destination !== undefined && { destination }) }));
  try {
    return await shape(
      place,
      [
        `tc qdisc add dev ${DEVICE} clsact`,
        `tc filter add dev ${DEVICE} egress bpf direct-action object-file '${scratch}' section ${section}`,
      ],
      `tc qdisc delete dev ${DEVICE} clsact`,
    );
  } finally {
    rmSync(scratch, { force: true });
  }
}

/** A token bucket for all that the device sends, or for packets to the peer. */
function limitRate({ rate = 1 }: FaultArgs, place: NetworkPlace): Promise<NetworkFault> {
  // Two full packets, or what is sent in 10 ms.
  const burst = Math.max(3200, Math.round(rate * 10));
  const bucket = `tbf rate ${Math.round(rate * 8000)}bit burst ${burst} latency 400ms`;
  const commands =
    place.peer === undefined
      ? [`tc qdisc add dev ${DEVICE} root ${bucket}`]
      : [
          `tc qdisc add dev ${DEVICE} root handle 1: htb`,
          `tc class add dev ${DEVICE} parent 1: classid 1:1 htb rate 10gbit quantum 60000`,
          `tc qdisc add dev ${DEVICE} parent 1:1 ${bucket}`,
          `tc filter add dev ${DEVICE} parent 1: protocol ip u32 match ip dst ${place.peer}/32 flowid 1:1`,
        ];
  return shape(place, commands, `tc qdisc delete dev ${DEVICE} root`);
}

async function shape(place: NetworkPlace, commands: readonly string[], undo: string): Promise<NetworkFault> {
  const guard = await LifelineProcess.start(
    enter(place, ['sh', '-c', UNTIL_CLOSED, 'sh', commands.join(' && '), undo]),
  );
  return {
    async stop() {
      const clean = await guard.stop();
      // Somebody killed the guard.
      if (!clean) await LifelineProcess.run(enter(place, ['sh', '-c', undo])).catch(() => undefined);
    },
  };
}

/**
 * Packets are routed to a TUN device and held there by a process: few kernels have netem, and fq, with which a BPF
 * program could set the time of departure, is as rare.
 */
async function holdPackets(args: FaultArgs, place: NetworkPlace): Promise<NetworkFault> {
  const { delay = 0, jitter = 0, share = 1, seed = 0 } = args;
  const numbers = [delay * 1000, jitter * 1000, share, Math.floor(seed)].map(String);
  const holder = await LifelineProcess.start(enter(place, [built(place, 'lorikeet-sim-delay'), DEVICE, ...numbers]));
  try {
    const routes = destinations(place).map((to) => `ip route add ${to} dev sim-delay src ${place.address}`);
    await LifelineProcess.run(enter(place, ['sh', '-c', routes.join(' && ')]));
  } catch (error) {
    await holder.stop();
    throw error;
  }
  return { stop: async () => void (await holder.stop()) };
}

/** More specific than the route by the device, whether or not it is one edge. */
function destinations({ network, peer }: NetworkPlace): string[] {
  if (peer !== undefined) return [`${peer}/32`];
  const halves = [0, 128].map((last) => network.replace(/\.\d+\/24$/, `.${last}/25`));
  return halves;
}

/** In mount namespaces of their own: tc mounts a BPF file system where there is none. */
function enter({ netnsPath }: NetworkPlace, command: readonly string[]): string[] {
  return ['unshare', '--mount', 'nsenter', `--net=${netnsPath}`, ...command];
}

function built({ programs }: NetworkPlace, name: string): string {
  const path = join(programs, name);
  if (!existsSync(path)) throw new Error(`${path} is not built`);
  return path;
}
