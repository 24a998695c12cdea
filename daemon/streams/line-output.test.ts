import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LineOutput } from './line-output.ts';

let folder: string;
let open: number[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-streams-'));
  open = [];
});
afterEach(() => {
  open.forEach((file) => closeSync(file));
  rmSync(folder, { recursive: true });
});

function opened(path: string, flags: number | string): number {
  const file = openSync(path, flags);
  open.push(file);
  return file;
}

/** A pipe with a name: the end to read from, and the inherited end to write to, which waits for the reader. */
function pipe(): { readonly reader: number; readonly writer: number } {
  const path = join(folder, 'pipe');
  spawnSync('mkfifo', [path]);
  const reader = opened(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: opened(path, 'w') };
}

const notice = (lines: number) => `${lines} dropped\n`;

/** Everything in the pipe. */
function drain(reader: number): string {
  const buffer = Buffer.alloc(1 << 20);
  return buffer.toString('latin1', 0, readSync(reader, buffer));
}

describe('LineOutput', () => {
  it('writes lines to a file', () => {
    const path = join(folder, 'log');
    const output = new LineOutput(opened(path, 'a'));
    expect([output.write('a\n', notice), output.write('b\n', notice), output.dropped]).toEqual([true, true, 0]);
    expect(readFileSync(path, 'utf8')).toBe('a\nb\n');
  });

  it('drops lines on a full disk', () => {
    const output = new LineOutput(opened('/dev/full', 'w'));
    expect([output.write('a\n'), output.write('b\n'), output.dropped]).toEqual([false, false, 2]);
  });

  it('drops lines without a reader', () => {
    const { reader, writer } = pipe();
    const output = new LineOutput(writer);
    expect(output.write('a\n')).toBe(true);
    closeSync(reader);
    open.splice(open.indexOf(reader), 1);
    expect([output.write('b\n'), output.dropped]).toEqual([false, 1]);
  });

  it('drops lines that a reader is too slow for, none in part, and reports them once it reads again', () => {
    const { reader, writer } = pipe();
    const output = new LineOutput(writer);
    const line = `${'x'.repeat(4999)}\n`;
    let taken = 0;
    while (output.write(line, notice)) taken++;
    expect(output.write(line, notice)).toBe(false);
    const first = drain(reader);
    expect(output.write('last\n', notice)).toBe(true);
    expect(output.dropped).toBe(2);
    const all = first + drain(reader);
    expect(all).toBe(`${line.repeat(taken)}2 dropped\nlast\n`);
  });

  it('survives a file descriptor that is not open', () => {
    const output = new LineOutput(1_000_000);
    expect([output.write('a\n'), output.dropped]).toEqual([false, 1]);
  });
});
