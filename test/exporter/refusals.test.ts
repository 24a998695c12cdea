import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MachineReport } from '../../exporter/check/report.ts';
import { defaultObjectPath } from '../../native/index.ts';
import { unheldLinks } from '../kernel/bpf/links.ts';
import { compileShim, refusal, refusalOf } from '../kernel/refusals/shim.ts';
import { bundleExporter, reducedTo, type Bundle } from './program.ts';

let bundle: Bundle;
let folder: string;
let shim: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-refusals-'));
  shim = compileShim(folder);
  bundle = await bundleExporter();
});
afterAll(() => {
  bundle?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const refusing = (...rules: readonly string[]): [string, ...string[]] => [
  'env',
  `LD_PRELOAD=${shim}`,
  `LORIKEET_REFUSE=${rules.join(',')}`,
];
const SUCCESS = 'lorikeet_exporter_collector_success';
const RUNNING = 'lorikeet_exporter_bpf_program_running';
const zeros = (samples: Readonly<Record<string, number>>) => Object.keys(samples).filter((name) => samples[name] === 0);

/** Runs the program to its end through a wrapper command. One that does not end is killed, and has no status. */
function run(command: readonly [string, ...string[]], ...args: readonly string[]) {
  const [name, ...before] = command;
  const { status, stdout, stderr } = spawnSync(name, [...before, process.execPath, bundle.program, ...args], {
    encoding: 'utf8',
    timeout: 100_000,
    killSignal: 'SIGKILL',
  });
  return { status, stdout, stderr };
}

function report(command: readonly [string, ...string[]], ...args: readonly string[]) {
  const { status, stdout, stderr } = run(command, 'check', '--format=json', ...args);
  expect(stderr).toBe('');
  return { status, report: JSON.parse(stdout) as MachineReport };
}

describe('the exporter', () => {
  test('starts without a refused program, logs it once, and is complete when it is no longer refused', async () => {
    for (const rules of [[refusal('load', 'read_accept_queues', 'EPERM')], []]) {
      const exporter = await bundle.startThrough(refusing(...rules));
      const refused = rules.length > 0;
      for (let scrape = 0; scrape < 2; scrape++) {
        expect(zeros(await exporter.samples(SUCCESS))).toEqual(
          refused ? [`${SUCCESS}{collector="accept_queues"}`] : [],
        );
        expect(zeros(await exporter.samples(RUNNING))).toEqual(
          refused ? [`${RUNNING}{program="read_accept_queues"}`] : [],
        );
        expect(Object.keys(await exporter.samples('lorikeet_tcp_accept_queue'))).toEqual([]);
      }
      const warnings = exporter.log.filter((line) => line.includes('level=warn') && !line.includes('no targets'));
      expect(warnings).toHaveLength(refused ? 1 : 0);
      await exporter.stop();
    }
  });

  test.each([
    { rules: [refusalOf('bpf', 'EPERM')], reason: 'bpf(2) is refused as a whole: Operation not permitted' },
    { rules: [refusalOf('bpf', 'ENOSYS')], reason: 'bpf(2) is refused as a whole: Function not implemented' },
    { rules: [refusalOf('map:sockets', 'EINVAL')], reason: 'no BPF program that counts sockets runs: ' },
    { rules: [refusalOf('map:services', 'ENOMEM')], reason: 'no BPF program that counts sockets runs: ' },
  ])('exits with one line: $reason', ({ rules, reason }) => {
    const { status, stdout, stderr } = run(refusing(...rules), '--web.listen-address=127.0.0.1:0', '--log.level=error');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain('MEMLOCK');
  });

  test('needs no locked memory', async () => {
    const exporter = await bundle.startThrough(['prlimit', '--memlock=0:0']);
    expect(zeros(await exporter.samples(SUCCESS))).toEqual([]);
    await exporter.stop();
  });
});

describe('check', () => {
  test('reports that nothing is missing, as text and JSON, and leaves nothing behind', () => {
    const before = unheldLinks();
    const { status, stdout, stderr } = run(['env'], 'check');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Machine\n {2}kernel +\d/);
    expect(stdout).toMatch(/^ {2}sys_enter +runs$/m);
    expect(stdout).toMatch(/^ {2}syscalls +complete \(off\)$/m);
    expect(stdout).toMatch(/\n\nevery enabled collector exports everything\n$/);
    expect(unheldLinks()).toEqual(before);
    const machine = report(['env']);
    expect([machine.status, machine.report.health]).toEqual([0, 'whole']);
    expect(machine.report.programs.filter(({ runs }) => !runs)).toEqual([]);
    expect(machine.report.collectors.filter(({ chosen }) => !chosen).map(({ collector }) => collector)).toEqual([
      'http_status',
      'syscalls',
    ]);
  });

  test('exits with 1 if something is lost, and reports what', () => {
    const rules = refusing(
      refusal('attach', 'sched_process_exec', 'EACCES'),
      refusal('load', 'adopt_sockets', 'EPERM'),
    );
    const { status, stdout } = run(rules, 'check');
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^ {2}sched_process_exec +refused at attach: .*: Permission denied\n {30}allow it in the security policy/m,
    );
    expect(stdout).toMatch(/^ {2}sched_process_fork +not needed: a program that it depends on is refused$/m);
    expect(stdout).toMatch(/^ {2}adopt_sockets +refused at load: .*: Operation not permitted$/m);
    expect(stdout).toMatch(/^ {2}connections +partial +without connections older than the exporter/m);
    expect(stdout).toMatch(/^ {2}process_events +unavailable$/m);
    expect(stdout).toMatch(/\nthe exporter runs, but does not export everything\n$/);
    const { report: machine } = report(rules);
    expect(machine.programs.find(({ program }) => program === 'adopt_sockets')).toMatchObject({
      runs: false,
      at: 'load',
      errno: 'EPERM',
    });
    expect(machine.collectors.filter(({ health }) => health !== 'whole').map(({ collector }) => collector)).toEqual([
      'connections',
      'accept_queues',
      'process_events',
    ]);
  });

  test('ignores losses of disabled collectors', () => {
    const rules = refusing(refusal('load', 'sys_enter', 'EPERM'));
    expect(report(rules).status).toBe(0);
    const asked = report(rules, '--collector.syscalls');
    expect([asked.status, asked.report.health]).toEqual([1, 'less']);
  });

  test.each([
    { what: 'bpf(2)', command: () => refusing(refusalOf('bpf', 'EPERM')), reason: 'bpf(2) is refused as a whole' },
    { what: 'CAP_PERFMON', command: () => reducedTo('bpf'), reason: 'missing CAP_PERFMON' },
    { what: 'CAP_BPF', command: () => reducedTo('perfmon'), reason: 'missing CAP_BPF' },
  ])('exits with 2 without $what', ({ command, reason }) => {
    const { status, report: machine } = report(command());
    expect([status, machine.health]).toEqual([2, 'none']);
    expect(machine.reason).toContain(reason);
    expect(machine.collectors.every(({ health }) => health === 'none')).toBe(true);
    expect(run(command(), 'check').stdout).toMatch(/\nthe exporter cannot run: .+\n$/);
  });

  test.each([
    ['/nowhere', 'does not exist'],
    ['/tmp', 'is not a cgroup2 file system'],
  ])('refuses --path.cgroupfs=%s, as the exporter does', (path, problem) => {
    const reason = `--path.cgroupfs: expected the mount point of cgroup2, ${path} ${problem}`;
    const { status, report: machine } = report(['env'], `--path.cgroupfs=${path}`);
    expect([status, machine.health, machine.reason]).toEqual([2, 'none', reason]);
    const { status: ended, stderr } = run(['env'], `--path.cgroupfs=${path}`);
    expect([ended, stderr.split('\n').slice(-2)]).toEqual([2, [`lorikeet-exporter: ${reason}`, '']]);
  });
});

test('only the documented capabilities matter', { timeout: 120_000 }, () => {
  const known = spawnSync('setpriv', ['--list-caps'], { encoding: 'utf8' }).stdout.trim().split('\n');
  expect(known.length).toBeGreaterThan(30);
  // Removes each from root, which has all others. CAP_SYS_ADMIN includes the first two.
  const without = (...names: readonly string[]): [string, ...string[]] => [
    'setpriv',
    `--bounding-set=${names.map((name) => `-${name}`).join(',')}`,
    '--',
  ];
  const held = known.filter((name) => spawnSync(without(name)[0], [...without(name).slice(1), 'true']).status === 0);
  for (const name of held) {
    expect(report(without(name), '--collector.http_status'), name).toMatchObject({ status: 0 });
  }
  for (const name of ['bpf', 'perfmon']) expect(report(without(name, 'sys_admin')).status, name).toBe(2);
});

describe('an object whose', () => {
  /** The exporter's object, with a name replaced by another of the same length. */
  const changed = (name: string, from: string, to: string): string => {
    const object = join(folder, `${name}.bpf.o`);
    const bytes = readFileSync(defaultObjectPath(), 'latin1');
    expect(bytes).toContain(from);
    writeFileSync(object, bytes.replaceAll(from, to), 'latin1');
    return `--bpf.object=${object}`;
  };
  const lost = (machine: MachineReport) =>
    machine.programs.filter(({ runs, idle }) => !runs && idle !== true).map(({ program }) => program);

  test.each([
    'inet_sock_set_state',
    'sock_send_length',
    'tcp_retransmit_skb',
    'page_fault_user',
    'block_rq_issue',
    'sched_process_exec',
    'sys_enter',
  ])('hook %s is missing in this kernel loses that program', (hook) => {
    const { report: machine } = report(
      ['env'],
      changed(hook, `tp_btf/${hook}`, `tp_btf/${hook.replace(/^.../, 'xyz')}`),
    );
    // Nor has it the functions that count datagrams without this tracepoint.
    const others = hook === 'sock_send_length' ? ['udp_sendmsg', 'udpv6_sendmsg'] : [];
    expect(lost(machine).filter((program) => !program.endsWith('_nested'))).toEqual([hook, ...others]);
    const { at, errno } = machine.programs.find(({ program }) => program === hook) ?? {};
    expect({ at, errno }).toEqual({ at: 'hook', errno: 'ENOENT' });
  });

  test('iterator is missing in this kernel loses that program', () => {
    const { status, report: machine } = report(['env'], changed('iterator', 'iter/task_file', 'iter/task_fire'));
    expect([status, lost(machine)]).toEqual([1, ['adopt_sockets']]);
  });

  test("types are missing in this kernel's BTF loses the programs that read them", () => {
    const { status, report: machine } = report(['env'], changed('types', '\0blkcg_gq\0', '\0blkcg_xx\0'));
    expect([status, lost(machine)]).toEqual([1, ['block_rq_issue']]);
  });
});
