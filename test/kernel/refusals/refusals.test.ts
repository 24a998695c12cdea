import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COLLECTORS } from '../../../exporter/collectors/all.ts';
import { defaultObjectPath } from '../../../native/index.ts';
import { bundle } from '../../../scripts/bundle/bundle.mjs';
import { loads } from '../bpf/hooks.ts';
import { linkedPrograms, linksOf } from '../bpf/links.ts';
import { withSandbox, type Sandbox, type Traffic } from '../sandbox/sandbox.ts';
import type { Answer, Request } from './driver.ts';
import { compileShim, refusal, refusalOf, STAGES } from './shim.ts';

/**
 * Refuses every program, when it is loaded and when it is attached, with every error of a kernel, a policy or a filter,
 * and checks the losses and that all the rest is exact. The expected losses are independent of the exporter's table,
 * except for counters by cgroup.
 */

const HERE = dirname(fileURLToPath(import.meta.url));
const CONNECTIONS = 3;
const REQUESTS = 4;
/** Of exchange.mjs. */
const DATAGRAM_BYTES = 'question'.length;

interface Cost {
  /** Collectors without output. */
  readonly collectors: readonly string[];
  /** Families missing from collectors that succeed. */
  readonly families?: readonly string[];
}

const STATE: Cost = {
  collectors: ['connections', 'accept_queues'],
  families: ['lorikeet_edge_connect_failures_total', 'lorikeet_edge_unanswered_requests_total'],
};
const RETRANSMITS: Cost = { collectors: [], families: ['lorikeet_tcp_retransmitted_segments_total'] };
const RESETS: Cost = { collectors: [], families: ['lorikeet_tcp_resets_total'] };
const EDGE_REQUESTS = [
  'lorikeet_edge_requests_total',
  'lorikeet_edge_request_duration_seconds',
  'lorikeet_edge_request_client_wait_seconds_total',
  'lorikeet_edge_unanswered_requests_total',
  'lorikeet_edge_responses_total',
  'lorikeet_edge_failed_responses_total',
];

/** Collectors of counters by cgroup: each needs all of its programs. */
const CGROUP_COUNTERS = COLLECTORS.filter(({ families }) => families !== undefined);

const COSTS: Readonly<Record<string, Cost>> = {
  inet_sock_set_state: STATE,
  inet_sock_set_state_nested: STATE,
  sock_send_length: {
    collectors: ['requests', 'http_status', 'protocols', 'udp'],
    families: [...EDGE_REQUESTS, 'lorikeet_edge_sent_bytes_total', 'lorikeet_tcp_sent_bytes_total'],
  },
  sock_recv_length: {
    collectors: ['requests', 'http_status', 'protocols', 'udp'],
    families: [...EDGE_REQUESTS, 'lorikeet_edge_received_bytes_total', 'lorikeet_tcp_received_bytes_total'],
  },
  tcp_retransmit_skb: RETRANSMITS,
  tcp_retransmit_synack: RETRANSMITS,
  tcp_send_reset: RESETS,
  tcp_send_reset_nested: RESETS,
  tcp_receive_reset: RESETS,
  tcp_receive_reset_nested: RESETS,
  ...Object.fromEntries(
    CGROUP_COUNTERS.flatMap(({ name, programs }) => Object.keys(programs).map((one) => [one, { collectors: [name] }])),
  ),
  read_accept_queues: { collectors: ['accept_queues'] },
  adopt_sockets: { collectors: [] },
  expire_dns_queries: { collectors: ['udp'] },
  // Elsewhere the programs of the tracepoints count datagrams as well.
  ...(loads('tp_btf/sock_send_length')
    ? {}
    : Object.fromEntries(
        ['udp_sendmsg', 'udpv6_sendmsg', 'udp_recvmsg', 'udpv6_recvmsg'].map((one) => [one, { collectors: ['udp'] }]),
      )),
};
/** Replacements of a program on kernels without its hook. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  sock_send_length: ['tcp_sendmsg'],
  sock_recv_length: ['tcp_recvmsg', 'tcp_recvmsg_nonblock'],
  udp_recvmsg: ['udp_recvmsg_nonblock'],
  udpv6_recvmsg: ['udpv6_recvmsg_nonblock'],
};
const ERRORS = ['EPERM', 'EACCES', 'EINVAL', 'ENOSYS', 'E2BIG', 'ENOMEM'] as const;

/** `few`: some combinations, for an emulated machine (scripts/kernels/test-kernels.sh). */
const FEW = process.env['LORIKEET_REFUSALS'] === 'few';
const TRIED_ERRORS = FEW ? ERRORS.slice(0, 1) : ERRORS;
const TRIED_PROGRAMS = FEW
  ? ['inet_sock_set_state', 'sock_send_length', 'sock_recv_length', 'read_accept_queues', 'adopt_sockets']
  : Object.keys(COSTS);

/** A child process with the shim preloaded. */
class Driver {
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  constructor(program: string, shim: string, targets: string) {
    this.#child = spawn(process.execPath, [program, targets], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, LD_PRELOAD: shim },
    });
    this.#lines = createInterface(this.#child.stdout as NodeJS.ReadableStream);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  async ask(request: Request): Promise<Answer> {
    const line = once(this.#lines, 'line');
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    return JSON.parse(String((await line)[0])) as Answer;
  }

  async end(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await exited;
  }
}

/** Series by name and labels, as written. */
function samplesOf(text = ''): Readonly<Record<string, number>> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

const POD = 'namespace="shop",service="cart",pod="cart-1"';
const EDGE = 'client_namespace="shop",client_service="cart",server_namespace="shop",server_service="cart"';

interface Moved {
  readonly port: number;
  readonly udpPort: number;
  readonly sent: number;
  readonly received: number;
}

/** Expected values after the exchange; a function if a value is not exact. Counters of a family are summed. */
function truth({
  port,
  udpPort,
  sent,
  received,
}: Moved): Readonly<Record<string, number | ((value: number) => boolean)>> {
  const asked = CONNECTIONS * REQUESTS;
  const both = (family: string, client: number, server: number, rest = '') => ({
    [`${family}{${POD},role="client"${rest}}`]: client,
    [`${family}{${POD},role="server"${rest}}`]: server,
  });
  const some = (value: number) => value > 0;
  return {
    ...both('lorikeet_requests_total', asked, asked),
    ...both('lorikeet_request_duration_seconds_count', asked, asked),
    ...both('lorikeet_http_responses_total', asked, asked, ',class="2xx"'),
    ...both('lorikeet_tcp_connections_opened_total', CONNECTIONS, CONNECTIONS),
    ...both('lorikeet_tcp_connections_closed_total', CONNECTIONS, CONNECTIONS),
    ...both('lorikeet_tcp_connections_active', 0, 0),
    ...both('lorikeet_tcp_sent_bytes_total', sent, received),
    ...both('lorikeet_tcp_received_bytes_total', received, sent),
    ...both('lorikeet_tcp_round_trip_seconds_count', CONNECTIONS, CONNECTIONS),
    ...both('lorikeet_tcp_retransmitted_segments_total', 0, 0),
    [`lorikeet_tcp_connect_failures_total{${POD},reason="refused"}`]: 1,
    [`lorikeet_tcp_resets_total{${POD},direction="received"}`]: 1,
    [`lorikeet_edge_requests_total{${EDGE},server_port="${port}"}`]: asked,
    [`lorikeet_edge_request_duration_seconds_count{${EDGE},server_port="${port}"}`]: asked,
    [`lorikeet_edge_sent_bytes_total{${EDGE},server_port="${port}"}`]: sent,
    [`lorikeet_edge_received_bytes_total{${EDGE},server_port="${port}"}`]: received,
    [`lorikeet_edge_unanswered_requests_total{${EDGE},server_port="${port}"}`]: 0,
    [`lorikeet_edge_responses_total{${EDGE},server_port="${port}"}`]: asked,
    [`lorikeet_edge_failed_responses_total{${EDGE},server_port="${port}"}`]: 0,
    [`lorikeet_edge_connect_failures_total{${EDGE}}`]: 1,
    ...both('lorikeet_udp_sent_datagrams_total', REQUESTS, REQUESTS),
    ...both('lorikeet_udp_received_bytes_total', REQUESTS * DATAGRAM_BYTES, REQUESTS * DATAGRAM_BYTES),
    [`lorikeet_udp_edge_requests_total{${EDGE},server_port="${udpPort}"}`]: REQUESTS,
    [`lorikeet_udp_edge_unanswered_requests_total{${EDGE},server_port="${udpPort}"}`]: 0,
    [`lorikeet_udp_edge_sent_bytes_total{${EDGE},server_port="${udpPort}"}`]: REQUESTS * DATAGRAM_BYTES,
    [`lorikeet_tcp_accept_queue_length{${POD},port="${port}"}`]: 0,
    [`lorikeet_tcp_accept_queue_limit{${POD},port="${port}"}`]: 511,
    [`lorikeet_tcp_accept_queue_drops_total{${POD},port="${port}"}`]: 0,
    [`lorikeet_container_page_faults_total{${POD}}`]: some,
    [`lorikeet_container_syscalls_total{${POD}}`]: some,
    [`lorikeet_container_process_events_total{${POD},event="fork"}`]: 1,
    [`lorikeet_container_process_events_total{${POD},event="exec"}`]: 1,
    [`lorikeet_container_process_events_total{${POD},event="exit"}`]: 1,
    [`lorikeet_container_cpu_seconds_total{${POD}}`]: some,
  };
}

/** The collector of a family. */
const COLLECTOR_OF: readonly (readonly [RegExp, string])[] = [
  [/^lorikeet_requests?_/, 'requests'],
  [/^lorikeet_(http|grpc)_/, 'http_status'],
  [/^lorikeet_port_connections_total/, 'protocols'],
  [/^lorikeet_tcp_accept_queue/, 'accept_queues'],
  [/^lorikeet_tcp_/, 'connections'],
  [/^lorikeet_edge_/, 'edges'],
  [/^lorikeet_udp_/, 'udp'],
  ...CGROUP_COUNTERS.flatMap(({ name, families = [] }) =>
    families.map((family) => [new RegExp(`^${family.name}`), name] as const),
  ),
];

let folder: string;
let shim: string;
let program: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-refusals-'));
  shim = compileShim(folder);
  program = join(folder, 'driver.js');
  for (const file of ['lorikeet.bpf.o', 'lorikeet_native.node', 'lorikeet_memory.node'])
    copyFileSync(join(dirname(defaultObjectPath()), file), join(folder, file));
  await bundle({ driver: join(HERE, 'driver.ts') }, { outdir: folder, version: '0.0.0-test' });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Scene {
  readonly driver: Driver;
  readonly sandbox: Sandbox;
  readonly traffic: Traffic;
}

async function withScene(work: (scene: Scene) => Promise<void>): Promise<void> {
  await withSandbox(async (sandbox) => {
    const targets = join(folder, `${sandbox.netns}.yaml`);
    const cgroup = `/${basename(sandbox.cgroup.path)}`;
    const cart = `{namespace: shop, service: cart, pod: cart-1, cgroup: ${cgroup}, addresses: ["127.0.0.1"]}`;
    writeFileSync(targets, `targets:\n  - ${cart}\n`);
    const options = { host: '127.0.0.1', connections: CONNECTIONS, requests: REQUESTS };
    const traffic = await sandbox.start(sandbox.cgroup, 'exchange.mjs', options);
    const driver = new Driver(program, shim, targets);
    try {
      await work({ driver, sandbox, traffic });
    } finally {
      await driver.end();
    }
  });
}

/** Requests the output under refusals from the driver, and compares it with the expected values and losses. */
async function check(scene: Scene, refuse: string, cost: Cost): Promise<Answer> {
  const { driver, traffic } = scene;
  const opened = await driver.ask({ do: 'open', refuse });
  expect(opened.failed).toBeUndefined();
  const moved = (await traffic.ask('exchange')) as Moved;
  const { success = {}, text, log } = await driver.ask({ do: 'scrape' });
  await driver.ask({ do: 'close', refuse: '' });
  expect(log, 'no further log lines').toEqual([]);
  const failed = Object.keys(success).filter((name) => !success[name]);
  expect(failed.toSorted()).toEqual([...cost.collectors].toSorted());
  const samples = samplesOf(text);
  for (const [name, collector] of COLLECTOR_OF) {
    if (!cost.collectors.includes(collector)) continue;
    const other = COLLECTOR_OF.slice(
      0,
      COLLECTOR_OF.findIndex(([, of]) => of === collector),
    );
    const shown = Object.keys(samples).filter((series) => name.test(series) && !other.some(([of]) => of.test(series)));
    expect(shown, collector).toEqual([]);
  }
  for (const family of cost.families ?? []) {
    expect(
      Object.keys(samples).filter((series) => series.startsWith(family)),
      family,
    ).toEqual([]);
  }
  for (const [series, expected] of Object.entries(truth(moved))) {
    const collector = COLLECTOR_OF.find(([name]) => name.test(series))?.[1];
    if (cost.collectors.includes(collector ?? '') || cost.families?.some((family) => series.startsWith(family)))
      continue;
    const value = valueOf(samples, series);
    if (typeof expected === 'number') expect(value, series).toBe(expected);
    else expect(value, series).toSatisfy(expected);
  }
  return opened;
}

/** Edges without a port: sums over their ports. */
function valueOf(samples: Readonly<Record<string, number>>, series: string): number | undefined {
  if (series in samples || !series.endsWith(`${EDGE}}`)) return samples[series];
  const parts = Object.keys(samples).filter((name) => name.startsWith(series.slice(0, -1)));
  return parts.length === 0 ? undefined : parts.reduce((sum, name) => sum + (samples[name] ?? 0), 0);
}

test('without refusals everything is exact', () =>
  withScene(async (scene) => {
    const { programs = {}, log } = await check(scene, '', { collectors: [] });
    expect(log).toEqual([]);
    expect(Object.values(programs)).not.toContain(false);
    expect(Object.keys(programs).toSorted()).toEqual(Object.keys(COSTS).toSorted());
  }));

describe.each(STAGES)('refused at %s', (stage) => {
  test.each(TRIED_PROGRAMS)('%s only affects what needs it, for every error', (name) =>
    withScene(async (scene) => {
      const names = [name, ...(VARIANTS[name] ?? [])];
      for (const error of TRIED_ERRORS) {
        const refuse = names.map((variant) => refusal(stage, variant, error)).join(',');
        const { programs = {}, log } = await check(scene, refuse, COSTS[name] as Cost);
        expect(programs[name]).toBe(false);
        expect(log).toHaveLength(1);
        expect(log[0]).toContain(`msg="BPF program not running" program=${name} at=${stage} errno=${error} `);
        expect(log[0]).toMatch(/ lost="?\w+: .* remedy="/);
      }
    }),
  );
});

test('two at a time have the losses of both', () =>
  withScene(async (scene) => {
    const refuse = ['tcp_send_reset', 'page_fault_user'].map((name) => refusal('load', name, 'EPERM')).join(',');
    const { log } = await check(scene, refuse, { collectors: ['page_faults'], families: RESETS.families ?? [] });
    expect(log).toHaveLength(2);
  }));

test('edges only have failed connects if neither send nor receive is counted', () =>
  withScene(async (scene) => {
    const names = ['sock_send_length', 'sock_recv_length'].flatMap((name) => [name, ...(VARIANTS[name] ?? [])]);
    const families = [COSTS['sock_send_length'], COSTS['sock_recv_length']].flatMap((cost) => cost?.families ?? []);
    await check(scene, names.map((name) => refusal('load', name, 'EPERM')).join(','), {
      collectors: ['requests', 'http_status', 'protocols', 'udp'],
      families,
    });
  }));

test('a program that is useless without a refused sibling is detached', () =>
  withScene(async ({ driver }) => {
    const opened = await driver.ask({ do: 'open', refuse: refusal('attach', 'sched_process_exit', 'EPERM') });
    const idle = ['sched_process_fork', 'sched_process_exec', 'sched_process_exit'];
    expect(Object.keys(opened.programs ?? {}).filter((name) => opened.programs?.[name] === false)).toEqual(idle);
    // Only the refused one is logged.
    expect(opened.log).toHaveLength(1);
    const attached = linkedPrograms(driver.pid);
    expect(attached).toContain('page_fault_user');
    for (const name of idle) expect(attached).not.toContain(name);
    await driver.ask({ do: 'close' });
  }));

test('a refused map only affects the programs that use it', () =>
  withScene(async (scene) => {
    const { log } = await check(
      scene,
      ['page_faults', 'syscalls'].map((map) => refusalOf(`map:${map}`, 'ENOMEM')).join(','),
      {
        collectors: ['page_faults', 'syscalls'],
      },
    );
    expect(log).toHaveLength(2);
    for (const line of log)
      expect(line).toMatch(/map page_faults: Cannot allocate memory.*remedy="raise the memory limit/);
  }));

test.each(['EPERM', 'ENOSYS'] as const)('bpf(2) refused as a whole with %s ends it, with the reason', (error) =>
  withScene(async ({ driver }) => {
    const { failed, log } = await driver.ask({ do: 'open', refuse: refusalOf('bpf', error) });
    expect(failed).toMatch(
      /bpf\(2\) is refused as a whole: (Operation not permitted|Function not implemented): allow bpf\(2\) in/,
    );
    expect(log).toEqual([]);
  }),
);

test('without any program that counts sockets it ends, and leaves nothing attached', () =>
  withScene(async ({ driver }) => {
    const names = ['sock_send_length', 'inet_sock_set_state'].flatMap((name) => [name, ...(VARIANTS[name] ?? [])]);
    // Edges still have received bytes.
    const opened = await driver.ask({
      do: 'open',
      refuse: names.map((name) => refusal('load', name, 'EPERM')).join(','),
    });
    expect(opened.failed).toBeUndefined();
    await driver.ask({ do: 'close' });
    const more = [...names, 'sock_recv_length', 'tcp_recvmsg', 'tcp_recvmsg_nonblock'];
    const { failed } = await driver.ask({
      do: 'open',
      refuse: more.map((name) => refusal('attach', name, 'EPERM')).join(','),
    });
    expect(failed).toBe(
      'no BPF program that counts sockets runs: inet_sock_set_state (EPERM), sock_send_length (EPERM), sock_recv_length (EPERM)',
    );
    expect(linksOf(driver.pid)).toEqual([]);
  }));
