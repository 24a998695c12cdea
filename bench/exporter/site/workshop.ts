import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';

/** npm runs scripts in the package's directory. */
const SOURCES = resolve('bench/exporter');

/** A temporary directory for the benchmark's own C programs. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'lorikeet-bench-'));

  /** Compiles a program of bench/exporter and returns its path. */
  program(source: string, ...libraries: readonly string[]): string {
    const path = join(this.folder, basename(source, '.c'));
    execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', join(SOURCES, source), '-o', path, ...libraries]);
    return path;
  }

  /** Compiles BPF programs of bench/exporter and returns the object's path. */
  bpfObject(source: string): string {
    const path = join(this.folder, `${basename(source, '.c')}.o`);
    const machine = execFileSync('gcc', ['-dumpmachine'], { encoding: 'utf8' }).trim();
    const flags = ['-target', 'bpf', '-mcpu=v3', '-O2', '-g', '-Wall', '-Werror'];
    execFileSync('clang', [...flags, '-idirafter', `/usr/include/${machine}`, '-c', join(SOURCES, source), '-o', path]);
    return path;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
