import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BpfObject } from '../../../native/index.ts';
import { compileBpf } from '../bpf/compile.ts';

/** Tests bpf/http/hpack.bpf.h in the kernel, with the blocks of RFC 7541 and of an encoder of its own. */

const BLOCK = 2048;
const NO_CODE = 255;

let folder: string;
let object: string;
let bpf: BpfObject;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-hpack-'));
  object = compileBpf('hpack.bpf.c', folder);
});
afterAll(() => {
  bpf?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Found {
  readonly status: number;
  readonly code: number | undefined;
  readonly unknown: boolean;
  readonly unreadable: boolean;
}

/** Starts a connection without earlier blocks. */
function connect(): void {
  bpf?.close();
  bpf = BpfObject.open(object);
}

function read(bytes: Buffer): Found {
  const map = bpf.map('block');
  const value = Buffer.alloc(8 + BLOCK);
  value.writeUInt32LE(bytes.length);
  bytes.copy(value, 8);
  map.update(Buffer.alloc(4), value);
  bpf.run('read_block');
  const [status, code, unknown, unreadable] = map.read().values.subarray(4, 8);
  return {
    status: status ?? 0,
    code: code === NO_CODE ? undefined : code,
    unknown: unknown === 1,
    unreadable: unreadable === 1,
  };
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const found = (status: number, code?: number): Found => ({ status, code, unknown: false, unreadable: false });

test.each([
  {
    name: 'in plain text (C.5)',
    blocks: [
      '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d ' +
        '546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '4803 3330 37c1 c0bf',
      '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f ' +
        '6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b ' +
        '2076 6572 7369 6f6e 3d31',
    ],
  },
  {
    name: 'in Huffman code (C.6)',
    blocks: [
      '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 ' +
        '8f0b 97c8 e9ae 82ae 43d3',
      '4883 640e ffc1 c0bf',
      '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 ' +
        'dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
    ],
  },
])('reads the responses of the RFC $name', ({ blocks }) => {
  connect();
  expect(blocks.map((block) => read(hex(block)))).toEqual([found(3), found(3), found(2)]);
});

test('does not read beyond a block that ends in a field, and forgets what was before', () => {
  connect();
  expect(read(hex('48 03 343034'))).toEqual(found(4));
  expect(read(hex('be'))).toEqual(found(4));
  expect(read(hex('40 0b 677270'))).toEqual({ ...found(0), unreadable: true });
  expect(read(hex('be'))).toEqual({ ...found(0), unknown: true });
  expect(read(hex('48 03 353033'))).toEqual(found(5));
  expect(read(hex('be'))).toEqual(found(5));
});

test('a reference to an entry from before the first block is unknown', () => {
  connect();
  expect(read(hex('be'))).toEqual({ ...found(0), unknown: true });
  expect(read(hex('88 be'))).toEqual({ ...found(2), unknown: true });
});

/** The codes of digits and of the letters of `grpc-status` (RFC 7541, appendix B). */
const HUFFMAN: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['00000', '00001', '00010', '011001', '011010', '011011', '011100', '011101', '011110', '011111'].entries(),
  ),
  g: '100110',
  r: '101100',
  p: '101011',
  c: '00100',
  '-': '010110',
  s: '01000',
  t: '01001',
  a: '00011',
  u: '101101',
};

const STATIC: Readonly<Record<string, number>> = { 200: 8, 204: 9, 206: 10, 304: 11, 400: 12, 404: 13, 500: 14 };

/** An encoder that chooses at random among all representations of a field. */
class Encoder {
  readonly #random: (below: number) => number;
  readonly #table: [name: string, value: string][] = [];
  #maximum = 4096;

  constructor(random: (below: number) => number) {
    this.#random = random;
  }

  block(fields: readonly (readonly [string, string])[]): Buffer {
    const resize = this.#random(10) === 0 ? [this.#resize(this.#random(400))] : [];
    return Buffer.concat([...resize, ...fields.map(([name, value]) => this.#field(name, value))]);
  }

  #resize(maximum: number): Buffer {
    this.#maximum = maximum;
    this.#evict();
    return integer(0x20, 5, maximum);
  }

  #field(name: string, value: string): Buffer {
    const same = this.#table.findIndex((entry) => entry[0] === name && entry[1] === value);
    if (name === ':status' && value in STATIC && this.#random(3) > 0) return integer(0x80, 7, STATIC[value] as number);
    if (same >= 0 && this.#random(3) > 0) return integer(0x80, 7, 62 + same);
    const named = name === ':status' ? 7 : this.#table.findIndex((entry) => entry[0] === name);
    const index = name === ':status' ? 8 + this.#random(7) : named >= 0 && this.#random(3) > 0 ? 62 + named : 0;
    const [first, bits] = (
      [
        [0x40, 6],
        [0, 4],
        [0x10, 4],
      ] as const
    )[this.#random(3)] ?? [0, 4];
    if (bits === 6) {
      this.#table.unshift([name, value]);
      this.#evict();
    }
    return Buffer.concat([integer(first, bits, index), ...(index === 0 ? [this.#text(name)] : []), this.#text(value)]);
  }

  #text(text: string): Buffer {
    const codes = text.split('').map((letter) => HUFFMAN[letter]);
    if (codes.includes(undefined) || this.#random(2) === 0)
      return Buffer.concat([integer(0, 7, text.length), Buffer.from(text)]);
    const bits = codes.join('');
    const bytes = (bits.padEnd(Math.ceil(bits.length / 8) * 8, '1').match(/.{8}/g) ?? []).map((byte) =>
      Number.parseInt(byte, 2),
    );
    return Buffer.concat([integer(0x80, 7, bytes.length), Buffer.from(bytes)]);
  }

  #evict(): void {
    const size = () => this.#table.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    while (size() > this.#maximum) this.#table.pop();
  }
}

function integer(first: number, bits: number, value: number): Buffer {
  const most = 2 ** bits - 1;
  if (value < most) return Buffer.from([first | value]);
  const bytes = [first | most];
  let rest = value - most;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

/** Numbers below a limit, the same for a seed (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

test.each([1, 2, 3])('reads every status of an encoder that mixes all representations, seed %i', (seed) => {
  connect();
  const random = randomOf(seed);
  const encoder = new Encoder(random);
  let unknown = 0;
  for (let turn = 0; turn < 400; turn++) {
    const trailers = random(2) === 0;
    const status = ['200', '302', '404', '503', '429', '201'][random(6)] as string;
    const code = ['0', '5', '13', '16'][random(4)] as string;
    const filler = Array.from({ length: random(4) }, () => [`x-${random(9)}`, 'y'.repeat(random(300))] as const);
    const fields = trailers ? [...filler, ['grpc-status', code] as const] : [[':status', status] as const, ...filler];
    const result = read(encoder.block(fields));
    const expected = trailers ? found(0, Number(code)) : found(Number(status[0]));
    // Never anything else than the truth, or unknown.
    if (result.unknown) unknown++;
    else expect(result, `block ${turn}`).toEqual(expected);
    expect([0, expected.status]).toContain(result.status);
    expect([undefined, expected.code]).toContain(result.code);
  }
  expect(unknown).toBeLessThan(40);
});
