import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

interface Link {
  readonly id: number;
  readonly programId: number;
}

/** The BPF links in the file descriptors of a process. */
export function linksOf(pid: number | string): readonly Link[] {
  const folder = `/proc/${pid}/fdinfo`;
  return namesIn(folder).flatMap((descriptor) => {
    const info = textOf(`${folder}/${descriptor}`);
    const [id, programId] = [/^link_id:\s*(\d+)$/m, /^prog_id:\s*(\d+)$/m].map((line) => line.exec(info)?.[1]);
    return id === undefined ? [] : [{ id: Number(id), programId: Number(programId) }];
  });
}

/** The links of no process: pinned ones, and those of processes that are exiting. */
export function unheldLinks(): readonly number[] {
  const held = new Set(
    namesIn('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => linksOf(pid).map(({ id }) => id)),
  );
  return (JSON.parse(bpftool('link')) as { id: number }[]).map(({ id }) => id).filter((id) => !held.has(id));
}

/** The names, as stored in the kernel, of the programs that a process has attached. */
export function linkedPrograms(pid: number): readonly string[] {
  const linked = new Set(linksOf(pid).map(({ programId }) => programId));
  const programs = JSON.parse(bpftool('prog')) as { id: number; name?: string }[];
  return programs.filter(({ id }) => linked.has(id)).map(({ name = '' }) => name);
}

function bpftool(what: 'link' | 'prog'): string {
  return execFileSync('bpftool', ['-j', what, 'show'], { encoding: 'utf8', maxBuffer: 1 << 26 });
}

/** Empty if it no longer exists. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
