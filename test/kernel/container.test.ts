import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isUnified } from '../../exporter/cgroups/hierarchy.ts';
import { BpfObject, defaultObjectPath } from '../../native/index.ts';
import { completedRequests, withBlockDevice } from './sandbox/block-device.ts';
import { compileTraffic } from './bpf/compile.ts';
import { hierarchyOf, withController } from './sandbox/controllers.ts';
import {
  ancestorsOf,
  blockRequestsOf,
  lostOf,
  pageFaultsOf,
  processEventsOf,
  syscallsOf,
  unattributedOf,
  type ProcessEventsRow,
} from './bpf/rows.ts';
import { withSandbox, type Sandbox, type Traffic } from './sandbox/sandbox.ts';
import { until } from '../until.ts';

const SOCKET_PROGRAMS = /sock|tcp|listeners|connections/;
const IO = hierarchyOf('blkio');
const MEMORY = hierarchyOf('memory');

let bpf: BpfObject;
let folder: string;
let program: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-container-'));
  program = compileTraffic('events', folder);
  bpf = BpfObject.open(defaultObjectPath(), { constants: { io_hierarchy: IO?.id ?? 0 } });
  for (const name of bpf.programs) if (!SOCKET_PROGRAMS.test(name)) bpf.attach(name);
});
afterAll(() => {
  bpf?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs with traffic/events in the sandbox's cgroup. */
function withProgram(work: (running: Traffic, sandbox: Sandbox) => Promise<void>): Promise<void> {
  return withSandbox(async (sandbox) => {
    const running = await sandbox.start(sandbox.cgroup, program, {});
    await work(running, sandbox);
    await running.stop();
  });
}

/** Waits until a process waits for the next line: then all of its earlier activity is counted. */
async function untilWaiting({ ready }: Traffic): Promise<void> {
  const { pid } = ready as { pid: number };
  await until('the program to wait', () => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') S ') || undefined);
}

describe('system calls', () => {
  interface Answer {
    readonly syscalls: number;
    readonly opens?: number;
  }

  /** The increase by a command, without the write of the answer and the read of the next line. */
  async function added(running: Traffic, cgroup: bigint, command: string) {
    await untilWaiting(running);
    const before = syscallsOf(bpf, cgroup);
    const answer = (await running.ask(command)) as Answer | 'none';
    if (answer === 'none') return undefined;
    await untilWaiting(running);
    const after = syscallsOf(bpf, cgroup);
    return {
      answer,
      all: after.all - before.all - 2,
      mmaps: after.mmaps - before.mmaps,
      opens: after.opens - before.opens,
    };
  }

  test('are as many as the program made, including failed ones and unknown numbers', () =>
    withProgram(async (running, { cgroup }) => {
      for (const [command, count] of [
        ['get-parent 12345', 12_345],
        ['unknown-calls 100', 100],
        ['get-parent 0', 0],
        ['refused-calls 50', 2],
      ] as const) {
        expect(await added(running, cgroup.id, command)).toMatchObject({ all: count, mmaps: 0, opens: 0 });
      }
      expect(lostOf(bpf, 'syscalls')).toBe(0);
    }));

  test.each([
    ['find', '/etc', '-maxdepth', '2'],
    // Children, threads, and failed calls.
    ['sh', '-c', 'for i in 1 2 3; do ls / | wc -l; done; exec "$0" -e 1', process.execPath],
  ])('and processes of %s are those that strace sees', (...command) =>
    withSandbox(async ({ cgroup }) => {
      const log = join(folder, 'strace');
      const enter = ['sh', '-c', `echo $$ > ${cgroup.path}/cgroup.procs; exec "$@"`, 'sh'];
      execFileSync('strace', ['-f', '-o', log, ...enter, ...command]);
      const lines = readFileSync(log, 'utf8').split('\n');
      const entered = lines.findIndex((line) => /\bwrite\(1, "\d+\\n"/.test(line));
      expect(entered).toBeGreaterThan(0);
      const later = lines.slice(entered + 1);
      const calls = later.filter((line) => /^\d+ +\w+\(/.test(line));
      const count = (pattern: RegExp): number => calls.filter((line) => pattern.test(line)).length;
      expect(syscallsOf(bpf, cgroup.id)).toEqual({
        all: calls.length,
        mmaps: count(/^\d+ +mmap\(/),
        opens: count(/^\d+ +(open|openat|openat2|creat)\(/),
      });
      // Threads are not counted as execs and exits.
      const processes = new Set(calls.filter((line) => /\bexit_group\(/.test(line)).map((line) => line.split(' ')[0]));
      const { fork, exec, exit } = processEventsOf(bpf, cgroup.id);
      expect([fork, exit]).toEqual([processes.size - 1, processes.size]);
      expect(exec).toBe(later.filter((line) => /\bexecve\b.*\) += 0$/.test(line)).length);
    }),
  );

  test('that map memory and that open files are distinguished', () =>
    withProgram(async (running, { cgroup }) => {
      expect(await added(running, cgroup.id, 'map-memory 200')).toMatchObject({ all: 401, mmaps: 201, opens: 0 });
      const files = await added(running, cgroup.id, 'open-files 50');
      expect(files?.answer.opens).toBeGreaterThanOrEqual(150);
      expect(files).toMatchObject({ all: files?.answer.syscalls, mmaps: 0, opens: files?.answer.opens });
    }));

  test('of 32-bit programs have their own numbers', (context) =>
    withProgram(async (running, { cgroup }) => {
      context.skip(process.arch !== 'x64', '32-bit programs are x86 ones');
      const calls = await added(running, cgroup.id, 'call-32-bit 70');
      if (calls === undefined) context.skip('this kernel runs no 32-bit programs');
      expect(calls).toMatchObject({ all: calls?.answer.syscalls, mmaps: 70, opens: 210 });
    }));
});

describe('page faults', () => {
  const faults = async (running: Traffic, command: string) =>
    ((await running.ask(command)) as { readonly faults: number }).faults;

  test('of a program’s own code agree with the kernel’s accounting', () =>
    withProgram(async (running, { cgroup }) => {
      // The first round loads the program's own pages.
      await faults(running, 'touch-pages 10');
      const before = pageFaultsOf(bpf, cgroup.id);
      expect(await faults(running, 'touch-pages 3000')).toBe(3000);
      expect(pageFaultsOf(bpf, cgroup.id) - before).toBe(3000);
      expect(lostOf(bpf, 'page_faults')).toBe(0);
    }));

  test('in the kernel during a system call are not included', () =>
    withProgram(async (running, { cgroup }) => {
      await faults(running, 'read-into-pages 10');
      const before = pageFaultsOf(bpf, cgroup.id);
      expect(await faults(running, 'read-into-pages 500')).toBe(500);
      expect(pageFaultsOf(bpf, cgroup.id) - before).toBe(0);
    }));

  test('of a whole process are at most those in the kernel’s accounting', () =>
    withProgram(async (running, { cgroup }) => {
      await faults(running, 'touch-pages 5000');
      await untilWaiting(running);
      const { pid } = running.ready as { pid: number };
      const [, , , , , , , minor, , major] = (readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1] ?? '').split(
        ' ',
      );
      const counted = pageFaultsOf(bpf, cgroup.id);
      // The sandbox's shell became the program, so the cgroup has only had this process.
      expect(counted).toBeGreaterThan(5000);
      expect(counted).toBeLessThanOrEqual(Number(minor) + Number(major));
    }));
});

describe('process events', () => {
  const none = { fork: 0, exec: 0, exit: 0, oomKill: 0 };

  async function added(running: Traffic, cgroup: bigint, command: string): Promise<ProcessEventsRow> {
    const before = processEventsOf(bpf, cgroup);
    await running.ask(command);
    const after = processEventsOf(bpf, cgroup);
    return {
      fork: after.fork - before.fork,
      exec: after.exec - before.exec,
      exit: after.exit - before.exit,
      oomKill: after.oomKill - before.oomKill,
    };
  }

  test.each([
    ['fork 300', { fork: 300, exit: 300 }],
    ['kill 50', { fork: 50, exit: 50 }],
    ['spawn 40', { fork: 40, exec: 40, exit: 40 }],
    ['execute-in-vain 30', { fork: 30, exit: 30 }],
    ['threads 100', {}],
    ['outlive-leaders 10', { fork: 10, exit: 10 }],
    ['execute-by-threads 50', { fork: 50, exec: 50, exit: 50 }],
    ['race-to-the-end 2000', { fork: 2000, exit: 2000 }],
  ])('of %s are exactly %o', (command, expected) =>
    withProgram(async (running, { cgroup }) => {
      const before = kept();
      const counted = await added(running, cgroup.id, command);
      const missed = kept() - before;
      const wanted: ProcessEventsRow = { ...none, ...expected };
      for (const event of ['fork', 'exec', 'exit', 'oomKill'] as const) {
        // Never more, and less by at most the number of runs that the kernel skipped and reports.
        expect(counted[event], event).toBeLessThanOrEqual(wanted[event]);
        expect(counted[event], event).toBeGreaterThanOrEqual(wanted[event] - missed);
      }
      expect(lostOf(bpf, 'process_events')).toBe(0);
    }),
  );

  /**
   * Skipped runs of the programs for processes: 0, unless many processes end at the same time on a preemptible kernel.
   */
  function kept(): number {
    return bpf
      .programStats()
      .filter(({ name }) => name.startsWith('sched_process_'))
      .reduce((sum, { recursionMisses }) => sum + recursionMisses, 0);
  }

  test('belong to the cgroup where the process is', () =>
    withProgram(async (running, sandbox) => {
      const other = sandbox.childCgroup('other');
      expect(await added(running, sandbox.cgroup.id, `fork-elsewhere 20 ${other.path}`)).toEqual(none);
      expect(processEventsOf(bpf, other.id)).toEqual({ ...none, fork: 20, exit: 20 });
      expect(ancestorsOf(bpf, other.id)?.[0]).toBe(sandbox.cgroup.id);
    }));

  test('include OOM kills', (context) =>
    withProgram(async (running, sandbox) => {
      if (MEMORY === undefined) return context.skip('no memory controller here');
      await withController(['memory'], MEMORY, `${sandbox.netns}-memory`, async ({ path, id, hierarchy }) => {
        const unified = isUnified(hierarchy);
        const { pid } = running.ready as { pid: number };
        writeFileSync(join(path, unified ? 'memory.max' : 'memory.limit_in_bytes'), String(24 << 20));
        const swap = join(path, 'memory.swap.max');
        if (existsSync(swap)) writeFileSync(swap, '0');
        writeFileSync(join(path, 'cgroup.procs'), String(pid));
        const cgroup = unified ? id : sandbox.cgroup.id;
        const before = processEventsOf(bpf, cgroup);
        for (let child = 0; child < 3; child++) expect(await running.ask('take-memory 64')).toEqual({ signal: 9 });
        expect(await running.ask('take-memory 4')).toEqual({ signal: 0 });
        await running.ask('kill 2');
        const after = processEventsOf(bpf, cgroup);
        expect([after.fork - before.fork, after.exit - before.exit, after.oomKill - before.oomKill]).toEqual([6, 6, 3]);
        const events = readFileSync(join(path, unified ? 'memory.events' : 'memory.oom_control'), 'utf8');
        expect(/^oom_kill (\d+)$/m.exec(events)?.[1]).toBe('3');
        await running.stop();
      });
    }));
});

describe('block requests', () => {
  test('agree with those completed by the device, and belong to the process’ cgroup', (context) =>
    withProgram(async (running, sandbox) => {
      if (IO === undefined) return context.skip('no io controller here');
      await withController(['blkio'], IO, `${sandbox.netns}-io`, async (cgroup) => {
        writeFileSync(join(cgroup.path, 'cgroup.procs'), String((running.ready as { pid: number }).pid));
        await withBlockDevice(folder, async (device) => {
          const before = completedRequests(device);
          await running.ask(`write-blocks 200 ${device}`);
          const after = completedRequests(device);
          expect(after.writes - before.writes).toBe(200);
          const requests = blockRequestsOf(bpf, cgroup.id);
          expect(requests).toBeGreaterThanOrEqual(200);
          expect(requests).toBeLessThanOrEqual(200 + after.reads - before.reads);
        });
        await running.stop();
      });
    }));

  test('that others make belong to the cgroup whose data they write', (context) =>
    withProgram(async (running, { netns }) => {
      if (IO === undefined) return context.skip('no io controller here');
      if (MEMORY === undefined) return context.skip('no memory controller here');
      // Version 1 does not attribute the data.
      context.skip(!isUnified(IO), 'the io controller is in version 1');
      await withController(['blkio', 'memory'], IO, `${netns}-io`, async (cgroup) => {
        writeFileSync(join(cgroup.path, 'cgroup.procs'), String((running.ready as { pid: number }).pid));
        await withBlockDevice(folder, async (device) => {
          const before = completedRequests(device);
          await running.ask(`write-file ${4 << 20} ${device}`);
          expect(blockRequestsOf(bpf, cgroup.id)).toBe(0);
          execFileSync('sync');
          const written = completedRequests(device).writes - before.writes;
          expect(written).toBeGreaterThan(0);
          expect(blockRequestsOf(bpf, cgroup.id)).toBe(written);
          await running.stop();
        });
      });
    }));

  test('of another hierarchy than the requested one are not attributed', () =>
    withProgram(async (running) => {
      const other = BpfObject.open(defaultObjectPath(), { constants: { io_hierarchy: 1000 } });
      try {
        other.attach('block_rq_issue');
        await withBlockDevice(folder, async (device) => void (await running.ask(`write-blocks 30 ${device}`)));
        expect(unattributedOf(other, 'block_request')).toBeGreaterThanOrEqual(30);
        expect(other.map('block_requests').readSums().count).toBe(0);
      } finally {
        other.close();
      }
    }));
});
