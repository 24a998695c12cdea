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

/** Identifiers of what a process has in the kernel by its file descriptors, and of the maps of its programs. */
export interface BpfObjects {
  readonly links: readonly number[];
  readonly programs: readonly number[];
  readonly maps: readonly number[];
}

export function objectsOf(pid: number): BpfObjects {
  const infos = namesIn(`/proc/${pid}/fdinfo`).map((descriptor) => textOf(`/proc/${pid}/fdinfo/${descriptor}`));
  const idsOf = (line: RegExp) => new Set(infos.flatMap((info) => line.exec(info)?.[1] ?? []).map(Number));
  const programs = idsOf(/^prog_id:\s*(\d+)$/m);
  const theirs = listed('prog').filter(({ id }) => programs.has(id));
  const maps = new Set([...idsOf(/^map_id:\s*(\d+)$/m), ...theirs.flatMap(({ map_ids: ids = [] }) => ids)]);
  return { links: [...idsOf(/^link_id:\s*(\d+)$/m)], programs: [...programs], maps: [...maps] };
}

/** Those of the objects that the kernel still has. The kernel gives no identifier twice. */
export function remaining({ links, programs, maps }: BpfObjects): BpfObjects {
  const existing = (kind: Kind, ids: readonly number[]) => {
    const all = new Set(listed(kind).map(({ id }) => id));
    return ids.filter((id) => all.has(id));
  };
  return { links: existing('link', links), programs: existing('prog', programs), maps: existing('map', maps) };
}

/** The links of no process: pinned ones, and those of processes that are exiting. */
export function unheldLinks(): readonly number[] {
  const held = new Set(
    namesIn('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => linksOf(pid).map(({ id }) => id)),
  );
  return listed('link')
    .map(({ id }) => id)
    .filter((id) => !held.has(id));
}

/** The names, as stored in the kernel, of the programs that a process has attached. */
export function linkedPrograms(pid: number): readonly string[] {
  const linked = new Set(linksOf(pid).map(({ programId }) => programId));
  return listed('prog')
    .filter(({ id }) => linked.has(id))
    .map(({ name = '' }) => name);
}

type Kind = 'link' | 'prog' | 'map';

interface Listed {
  readonly id: number;
  readonly name?: string;
  readonly map_ids?: readonly number[];
}

function listed(kind: Kind): readonly Listed[] {
  const text = execFileSync('bpftool', ['-j', kind, 'show'], { encoding: 'utf8', maxBuffer: 1 << 26 });
  return JSON.parse(text) as readonly Listed[];
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
