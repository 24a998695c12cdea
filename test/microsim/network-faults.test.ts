import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { connectSim } from '../../microsim/controller/client.ts';
import { FaultUnavailableError } from '../../microsim/protocol/error.ts';
import { startNetworkFault } from '../../microsim/network-faults/network-fault.ts';
import type { FaultType, NetworkFaultType } from '../../microsim/protocol/fault.ts';
import { SimSandbox, eventually } from './sandbox.ts';

/* Each fault by its effect on real services: web asks cache, then db, which answers with 50 kB. */
const TOPOLOGY = `
namespace: net
network: 10.213.79.0/24
services:
  web: {timeout_ms: 5000, max_concurrent: 200}
  cache: {response_bytes: 100}
  db: {response_bytes: 50000, max_concurrent: 200}
load:
  level: 20
  noise: 0
  wave: {period: 10m, amplitude: 0}
  bursts: {every: 10m, factor: 1, lasting: 1s}
requests:
  - {name: get, weight: 1, route: {designation: web, routes: [{designation: cache}, {designation: db}]}}
`;

const sandbox = new SimSandbox();
const instance = `${sandbox.prefix}-net`;
const sim = connectSim(sandbox.stateDir(instance));

beforeAll(async () => {
  await sandbox.build();
  const topology = sandbox.write('net.yaml', TOPOLOGY);
  expect(await sandbox.run(instance, ['up', `--topology=${topology}`])).toMatchObject({ status: 0, stderr: '' });
});
afterEach(() => sim.clearFault().catch(() => undefined));
afterAll(() => sandbox.remove());

async function pidOf(service: string): Promise<number> {
  return (await sim.status()).services[service]?.pid ?? 0;
}

/** A counter of the network namespace of a service, of /proc/net/snmp or netstat. */
async function counter(service: string, protocol: string, name: string): Promise<number> {
  const pid = await pidOf(service);
  const lines = ['snmp', 'netstat'].flatMap((file) => readFileSync(`/proc/${pid}/net/${file}`, 'utf8').split('\n'));
  const [names = [], values = []] = lines.filter((line) => line.startsWith(`${protocol}:`)).map((l) => l.split(' '));
  return Number(values[names.indexOf(name)]);
}

async function sentBytes(service: string): Promise<number> {
  const eth0 = /eth0:(.*)/.exec(readFileSync(`/proc/${await pidOf(service)}/net/dev`, 'utf8'))?.[1] ?? '';
  return Number(eth0.trim().split(/ +/)[8]);
}

/** The counts of web for the next calls of a callee. */
async function watch(callee: string, calls = 8) {
  const seen = async () =>
    (await sim.status()).services['web']?.stats?.calls[callee] ?? { requests: 0, failures: 0, seconds: 0 };
  const before = await seen();
  const after = await eventually(`web calls ${callee}`, async () => {
    const now = await seen();
    return now.requests - before.requests >= calls ? now : undefined;
  });
  const requests = after.requests - before.requests;
  return { failures: after.failures - before.failures, meanMs: (1000 * (after.seconds - before.seconds)) / requests };
}

const becomesWell = (callee: string) =>
  eventually(`${callee} is well`, async () => {
    const { failures, meanMs } = await watch(callee);
    return failures === 0 && meanMs < 60;
  });

const netns = (service: string) => `lorikeet-sim.${instance}.${service}`;
const show = (service: string, command: string, ...what: string[]) =>
  execFileSync(command, ['-netns', netns(service), ...what], { encoding: 'utf8' });

const RECEIVE = `
  const socket = require('node:dgram').createSocket('udp4');
  const missing = new Set(Array.from({ length: 100 }, (_, index) => index));
  socket.on('message', (message) => (String(message) === 'end' ? end() : missing.delete(Number(message))));
  const end = () => { console.log([...missing].join(' ')); process.exit(); };
  socket.bind(9999, () => console.log('ready'));`;
const SEND = `
  const socket = require('node:dgram').createSocket('udp4');
  const send = (text) => new Promise((resolve) => socket.send(text, 9999, process.argv[1], resolve));
  (async () => {
    for (let index = 0; index < 100; index += 1) await send(String(index));
    for (let index = 0; index < 30; index += 1) await send('end');
    socket.close();
  })();`;

/** Which of 100 datagrams from one service to another do not arrive. */
async function lostDatagrams(from: string, to: string): Promise<string> {
  const { address = '' } = (await sim.status()).services[to] ?? {};
  const enter = (service: string) => [`--net=/run/netns/${netns(service)}`, process.execPath, '-e'];
  const receiver = spawn('nsenter', [...enter(to), RECEIVE], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  receiver.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise((resolve) => receiver.once('close', resolve));
  try {
    await eventually('the receiver is ready', () => said.startsWith('ready'));
    execFileSync('nsenter', [...enter(from), SEND, address]);
    await eventually('all datagrams are there', () => said.split('\n').length > 2);
  } finally {
    receiver.kill('SIGKILL');
    await ended;
  }
  return said.split('\n')[1] ?? '';
}

/** Leftovers of a fault in the namespace of a service. */
function traces(service: string): string[] {
  const shaped = show(service, 'tc', 'qdisc', 'show', 'dev', 'eth0')
    .split('\n')
    .filter((line) => line !== '' && !line.includes('noqueue'));
  const links = show(service, 'ip', '-oneline', 'link').split('\n');
  return [...shaped, ...links.filter((line) => line.includes('sim-delay'))];
}

/** Injects a fault; skips the test where this kernel has no way to. */
async function inject(context: TestContext, service: string, type: FaultType, args: Record<string, number | string>) {
  try {
    await sim.fault(service, type, args);
  } catch (error) {
    const { message } = error as Error;
    context.skip(message.includes('is not available here'), message);
    throw error;
  }
}

describe('faults of the network', () => {
  it('packet_loss: segments are sent again', async (context) => {
    await becomesWell('db');
    const before = await counter('db', 'Tcp', 'RetransSegs');
    await inject(context, 'db', 'packet_loss', { share: 0.2 });
    await eventually('db sends again', async () => (await counter('db', 'Tcp', 'RetransSegs')) - before > 20);
    expect(traces('db')).not.toEqual([]);
    await sim.clearFault();
    expect(traces('db')).toEqual([]);
    await becomesWell('db');
  });

  it('packet_loss on an edge: the others are spared', async (context) => {
    await inject(context, 'web', 'packet_loss', { share: 0.4, callee: 'db' });
    await eventually('db is slow', async () => (await watch('db')).meanMs > 60);
    expect((await watch('cache')).meanMs).toBeLessThan(60);
  });

  it('packet_loss: a seed loses the same packets again', async (context) => {
    const lost: string[] = [];
    // db calls no service, so there are no other packets.
    for (const seed of [7, 7, 8]) {
      await inject(context, 'db', 'packet_loss', { share: 0.3, seed, callee: 'cache' });
      lost.push(await lostDatagrams('db', 'cache'));
      await sim.clearFault();
    }
    expect(lost[0]?.split(' ').length).toBeGreaterThan(15);
    expect(lost[0]?.split(' ').length).toBeLessThan(50);
    expect(lost[1]).toBe(lost[0]);
    expect(lost[2]).not.toBe(lost[0]);
  });

  it('packet_corruption: what arrives is not what was sent', async (context) => {
    await becomesWell('db');
    await inject(context, 'web', 'packet_corruption', { share: 0.5, callee: 'db' });
    await eventually('requests are refused', async () => (await watch('db')).failures > 3);
    expect((await watch('cache')).failures).toBe(0);
    await sim.clearFault();
    await becomesWell('db');
  });

  it('network_delay: each packet takes longer', async (context) => {
    await inject(context, 'db', 'network_delay', { delay: 100 });
    await eventually('db is late', async () => (await watch('db')).meanMs > 100);
    expect((await watch('db')).meanMs).toBeLessThan(500);
    expect((await watch('cache')).meanMs).toBeLessThan(60);
    await sim.clearFault();
    expect(traces('db')).toEqual([]);
    await becomesWell('db');
  });

  it('network_delay on an edge, in the order in which packets were sent', async (context) => {
    const before = await counter('db', 'TcpExt', 'TCPOFOQueue');
    await inject(context, 'web', 'network_delay', { delay: 150, jitter: 20, callee: 'cache' });
    await eventually('cache is late', async () => (await watch('cache')).meanMs > 130);
    expect((await watch('db')).meanMs).toBeLessThan(60);
    expect(await counter('db', 'TcpExt', 'TCPOFOQueue')).toBe(before);
  });

  it('packet_reordering: segments arrive out of order', async (context) => {
    const before = await counter('web', 'TcpExt', 'TCPOFOQueue');
    await inject(context, 'db', 'packet_reordering', { share: 0.2, delay: 5 });
    await eventually('web queues', async () => (await counter('web', 'TcpExt', 'TCPOFOQueue')) - before > 50);
    expect((await watch('db')).failures).toBe(0);
  });

  it.for([
    ['', {}],
    [' on an edge', { callee: 'web' }],
  ] as const)('bandwidth%s: no more than the rate is sent', async ([_case, edge], context) => {
    await becomesWell('db');
    await inject(context, 'db', 'bandwidth', { rate: 200, ...edge });
    const [before, began] = [await sentBytes('db'), performance.now()];
    await eventually('db sends', async () => (await sentBytes('db')) - before > 500_000);
    const rate = ((await sentBytes('db')) - before) / ((performance.now() - began) / 1000);
    expect(rate).toBeLessThan(230_000);
    await sim.clearFault();
    expect(traces('db')).toEqual([]);
    await becomesWell('db');
  });

  it('record draws them if they are named', async () => {
    const labels = sandbox.write('labels.json', '');
    const times = ['--duration=4s', '--fault.duration=1s', '--recovery=500ms', '--warmup=0s', '--faults=2'];
    const types = '--fault.types=bandwidth,skip_call';
    const recorded = await sandbox.run(instance, ['record', ...times, types, `--labels=${labels}`]);
    expect(recorded).toMatchObject({ status: 0, stderr: '' });
    const drawn = (JSON.parse(readFileSync(labels, 'utf8')) as { type: string }[]).map(({ type }) => type);
    expect(new Set(drawn)).toEqual(new Set(['bandwidth', 'skip_call']));
    expect((await sim.status()).fault).toBeNull();
  });

  it('names what it cannot do', async () => {
    await expect(sim.fault('web', 'packet_loss', { callee: 'nobody' })).rejects.toThrow('no such service: nobody');
    const place = {
      netnsPath: '/run/netns/none',
      address: '10.0.0.1',
      network: '10.0.0.0/24',
      peer: undefined,
      programs: `${sandbox.directory}/dist`,
      scratch: `${sandbox.directory}/scratch`,
    };
    for (const type of ['packet_loss', 'network_delay', 'bandwidth'] as const satisfies NetworkFaultType[]) {
      const started = startNetworkFault({ type, args: {} }, place);
      await expect(started).rejects.toThrow(FaultUnavailableError);
      await expect(started).rejects.toThrow(`${type} is not available here: nsenter: `);
    }
    const unbuilt = startNetworkFault({ type: 'packet_loss', args: {} }, { ...place, programs: '/none' });
    await expect(unbuilt).rejects.toThrow('packet_loss is not available here: /none/lorikeet-sim.bpf.o is not built');
  });

  it('ends with the process that keeps it, however that ends', async () => {
    await sim.fault('db', 'network_delay', { delay: 100 });
    const holder = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .find((pid) => commandLine(pid).startsWith(`${sandbox.directory}/dist/lorikeet-sim-delay`));
    process.kill(Number(holder), 'SIGKILL');
    await eventually('it is gone', () => traces('db').length === 0);
    await sim.clearFault();
    await becomesWell('db');
    for (const type of ['packet_loss', 'network_delay', 'bandwidth'] as const) {
      await sim.fault('db', type);
      expect(traces('db')).not.toEqual([]);
      if (type !== 'bandwidth') await sim.clearFault();
    }
    process.kill((await sim.status()).pid, 'SIGKILL');
    await eventually('the last is undone without a controller', () => traces('db').length === 0);
    expect((await sandbox.run(instance, ['down'])).status).toBe(0);
    expect(sandbox.leftovers()).toEqual([]);
  });
});

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It ended since its directory was listed.
    return '';
  }
}
