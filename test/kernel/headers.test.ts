import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** Tests the headers in bpf/ in the kernel, by BPF_PROG_TEST_RUN (bpf/test/headers.bpf.c). */

const BPF = join(dirname(fileURLToPath(import.meta.url)), '../../bpf');
const BUCKETS = 23;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-headers-'));
  const file = (name: string) => join(folder, name);
  const multiarch = execFileSync('g++', ['-dumpmachine'], { encoding: 'utf8' }).trim();
  const flags = ['-target', 'bpf', '-mcpu=v3', '-O2', '-g', '-Wall', '-Werror', '-idirafter'];
  for (const source of ['test/headers.bpf.c', 'maps.bpf.c']) {
    const output = file(source.replace('test/', '').replace('.c', '.o'));
    execFileSync('clang', [...flags, `/usr/include/${multiarch}`, '-c', join(BPF, source), '-o', output]);
  }
  // maps first: bpftool 7.1 loses the maps of a later object if that defines maps as well.
  const linked = ['gen', 'object', file('linked.o'), file('maps.bpf.o'), file('headers.bpf.o')];
  execFileSync('bpftool', linked, { env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` } });
  execFileSync('gcc', ['-Wall', '-Werror', join(BPF, 'test/run.c'), '-lbpf', '-o', file('run')]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ran {
  readonly result: number;
  readonly context: Buffer;
}

/** Runs programs one after another in one loaded object, with the given sizes of its maps. */
function run(calls: readonly (readonly [string, Buffer])[], maxEntries: Readonly<Record<string, number>> = {}): Ran[] {
  const sizes = Object.entries(maxEntries).map(([map, entries]) => `${map}=${entries}`);
  const input = calls.map(([program, context]) => `${program} ${context.toString('hex')}\n`).join('');
  const output = execFileSync(join(folder, 'run'), [join(folder, 'linked.o'), ...sizes], { input, encoding: 'utf8' });
  return output
    .trim()
    .split('\n')
    .map((line) => {
      const [result = '', context = ''] = line.split(' ');
      return { result: Number(result), context: Buffer.from(context, 'hex') };
    });
}

const words = (...values: readonly bigint[]): Buffer => Buffer.from(BigUint64Array.from(values).buffer);
const service = (cgroup: bigint, role = 1n): readonly [bigint, bigint] => [cgroup, role];

/** By the definition in histogram.h: the first bucket whose upper bound, 2^(i-16) s, is not below the duration. */
function bucketOf(duration: bigint): number {
  for (let i = 0; i < BUCKETS - 1; i++) if (duration << 16n <= 1_000_000_000n << BigInt(i)) return i;
  return BUCKETS - 1;
}

describe('histogram', () => {
  test('every bucket includes its upper bound and nothing above', () => {
    const powers = Array.from({ length: 64 }, (_, i) => 1n << BigInt(i));
    const bounds = Array.from({ length: BUCKETS - 1 }, (_, i) => (1_000_000_000n << BigInt(i)) >> 16n);
    const edges = [...powers, ...bounds].flatMap((value) => [value - 1n, value, value + 1n]);
    const durations = [0n, ...edges, (1n << 64n) - 1n];
    const ran = run(durations.map((duration) => ['bucket', words(duration, 999n)]));
    expect(ran).toHaveLength(194 + 3 * 22);
    const buckets = ran.map(({ context }) => Number(context.readBigUInt64LE(8)));
    expect(buckets).toEqual(durations.map(bucketOf));
    expect(new Set(buckets)).toEqual(new Set(Array.from({ length: BUCKETS }, (_, i) => i)));
  });

  test('a duration is added to one bucket and to the sum', () => {
    const key = service(7n);
    const durations = [1n, 15258n, 15259n, 32_000_000_000n, 32_000_000_001n];
    const calls = durations.map((duration): [string, Buffer] => ['add', words(...key, duration)]);
    const ran = run([...calls, ['read_row', Buffer.concat([words(...key), Buffer.alloc(2 * 24 * 8)])]]);
    expect(ran.slice(0, -1).map(({ result }) => result)).toEqual(durations.map(() => 1));
    const row = ran.at(-1)?.context as Buffer;
    const expected = Array.from({ length: BUCKETS }, (_, i) =>
      BigInt(durations.filter((d) => bucketOf(d) === i).length),
    );
    const sum = durations.reduce((total, duration) => total + duration, 0n);
    for (const at of [16, 16 + 24 * 8]) {
      const histogram = Array.from({ length: 24 }, (_, i) => row.readBigUInt64LE(at + i * 8));
      expect(histogram).toEqual([sum, ...expected]);
    }
  });
});

describe('keys', () => {
  const V4 = 2;
  const V6 = 10;
  const TCP = 6;
  const address6 = Buffer.from('fd00023100000000000000000000abcd', 'hex');

  /** The members of struct sock_context. */
  function sock(family: number, protocol: number, address: Buffer): { isTcp: boolean; edge: Buffer } {
    const context = Buffer.alloc(72, 0xee);
    const port = Buffer.from([0x24, 0xb8]); // 9400 in network order
    context.writeUInt32LE(family, 0);
    context.writeUInt32LE(protocol, 4);
    context.writeUInt32LE(port.readUInt16LE(), 8);
    address.copy(context, 16);
    context.writeBigUInt64LE(0x1122334455667788n, 32);
    const [ran] = run([['sock', context]]);
    expect(ran?.result).toBe(0);
    const after = ran?.context as Buffer;
    return { isTcp: after.readUInt32LE(12) === 1, edge: after.subarray(40) };
  }
  const edge = (address: string) => `8877665544332211${address}b824000000000000`;

  test.each([
    { name: 'IPv4', family: V4, address: Buffer.from([10, 0, 0, 7]), key: '00000000000000000000ffff0a000007' },
    { name: 'IPv6', family: V6, address: address6, key: address6.toString('hex') },
    {
      name: 'IPv4 over an IPv6 socket',
      family: V6,
      address: Buffer.from('00000000000000000000ffff0a000007', 'hex'),
      key: '00000000000000000000ffff0a000007',
    },
  ])('an edge of $name has the address as IPv6, the port in host order, and zeros', ({ family, address, key }) => {
    const made = sock(family, TCP, address);
    expect(made.isTcp).toBe(true);
    expect(made.edge.toString('hex')).toBe(edge(key));
  });

  test.each([
    [V4, TCP, true],
    [V6, TCP, true],
    [1, 0, false],
    [V4, 17, false],
    [V6, 17, false],
    [V4, 132, false],
    // MPTCP's number does not fit into a byte.
    [V4, 262, false],
    [V6, 262, false],
    [16, TCP, false],
  ])('family %i, protocol %i is TCP: %o', (family, protocol, tcp) => {
    expect(sock(family, protocol, address6).isTcp).toBe(tcp);
  });
});

describe('system calls', () => {
  const X32_BIT = 0x40000000;
  const MMAP = ['mmap', 'mmap2'];
  const OPEN = ['open', 'creat', 'openat', 'openat2'];
  const multiarch = execFileSync('g++', ['-dumpmachine'], { encoding: 'utf8' }).trim();

  /** The numbers of calls in one of the kernel's headers, in ascending order. */
  function numbersOf(header: string, names: readonly string[], base: number): number[] {
    const text = readFileSync(header, 'utf8');
    return names
      .map((name) => new RegExp(`^#define __NR(?:3264)?_${name} .*?(\\d+)\\)?$`, 'm').exec(text)?.[1])
      .filter((number) => number !== undefined)
      .map((number) => base + Number(number))
      .toSorted((a, b) => a - b);
  }

  /** The numbers that the programs count as calls of a kind. */
  function numbersOfKind(abi: number, kind: number, base: number): number[] {
    const all = Array.from({ length: 600 }, (_, index) => base + index);
    const ran = run(all.map((number) => ['kind', words(BigInt(abi), BigInt(number), 99n)]));
    return all.filter((_, index) => ran[index]?.context.readBigUInt64LE(16) === BigInt(kind));
  }

  const asm = `/usr/include/${multiarch}/asm`;
  test.for([
    { name: 'x86_64', abi: 0, base: 0, header: `${asm}/unistd_64.h` },
    { name: 'x32', abi: 0, base: X32_BIT, header: `${asm}/unistd_x32.h` },
    { name: 'i386', abi: 1, base: 0, header: `${asm}/unistd_32.h` },
    { name: 'arm64', abi: 2, base: 0, header: '/usr/include/asm-generic/unistd.h' },
  ])('that map memory and open files on $name are those of its header', ({ abi, base, header }, context) => {
    if (!existsSync(header)) return context.skip(`no ${header}`);
    for (const [kind, names] of [
      [1, MMAP],
      [2, OPEN],
    ] as const) {
      const numbers = numbersOf(header, names, base);
      expect(numbers.length).toBeGreaterThan(0);
      expect(numbersOfKind(abi, kind, base)).toEqual(numbers);
    }
  });

  test('of 32-bit arm are those of arch/arm/tools/syscall.tbl', () => {
    expect(numbersOfKind(3, 1, 0)).toEqual([192]);
    expect(numbersOfKind(3, 2, 0)).toEqual([5, 8, 322, 437]);
  });
});

test('a full map creates no row, counts losses, and continues to count in existing rows', () => {
  const make = (cgroup: bigint): [string, Buffer] => ['make_row', words(...service(cgroup), 0n)];
  const keys = [1n, 2n, 3n, 4n, 3n, 1n, 2n, 1n];
  const lost: [string, Buffer] = ['read_lost', Buffer.alloc(16)];
  const ran = run([...keys.map(make), lost], { services: 2 });
  const rows = ran.slice(0, -1).map(({ result, context }) => [result, Number(context.readBigUInt64LE(16))]);
  expect(rows).toEqual([
    [0, 1],
    [0, 1],
    [1, 0],
    [1, 0],
    [1, 0],
    [0, 2],
    [0, 2],
    [0, 3],
  ]);
  const counts = ran.at(-1)?.context as Buffer;
  expect([0, 8].map((at) => counts.readBigUInt64LE(at))).toEqual([3n, 0n]);
});
