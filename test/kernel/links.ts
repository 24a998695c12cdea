import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

interface Link {
  readonly id: number;
  readonly programId: number;
}

/** The BPF links that a process holds by its descriptors. Other programs of the machine have theirs. */
export function linksOf(pid: number | string): readonly Link[] {
  const folder = `/proc/${pid}/fdinfo`;
  return namesIn(folder).flatMap((descriptor) => {
    const info = textOf(`${folder}/${descriptor}`);
    const [id, programId] = [/^link_id:\s*(\d+)$/m, /^prog_id:\s*(\d+)$/m].map((line) => line.exec(info)?.[1]);
    return id === undefined ? [] : [{ id: Number(id), programId: Number(programId) }];
  });
}

/** The links that no process holds: pinned ones, and those of processes that end at this moment. */
export function unheldLinks(): readonly number[] {
  const held = new Set(
    namesIn('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => linksOf(pid).map(({ id }) => id)),
  );
  return (JSON.parse(bpftool('link')) as { id: number }[]).map(({ id }) => id).filter((id) => !held.has(id));
}

/** The names of the programs that a process has on a hook, as far as the kernel knows them. */
export function linkedPrograms(pid: number): readonly string[] {
  const linked = new Set(linksOf(pid).map(({ programId }) => programId));
  const programs = JSON.parse(bpftool('prog')) as { id: number; name?: string }[];
  return programs.filter(({ id }) => linked.has(id)).map(({ name = '' }) => name);
}

function bpftool(what: 'link' | 'prog'): string {
  return execFileSync('bpftool', ['-j', what, 'show'], { encoding: 'utf8', maxBuffer: 1 << 26 });
}

/** None of what is gone by now. */
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
