import { execFileSync } from 'node:child_process';

interface BpftoolMap {
  readonly id: number;
  readonly name: string;
  readonly max_entries: number;
}

/** The map with this name and capacity: a unique capacity identifies the maps of an exporter. */
export function mapId(name: string, capacity: number): number {
  const maps = JSON.parse(execFileSync('bpftool', ['-j', 'map', 'show'], { encoding: 'utf8' })) as BpftoolMap[];
  const map = maps.find((candidate) => candidate.name === name && candidate.max_entries === capacity);
  if (map === undefined) throw new Error(`no map ${name} of ${capacity} entries`);
  return map.id;
}

/** The cgroups at the start of the keys of a map. */
export function cgroupsOf(id: number): bigint[] {
  // Entries also have values, for each possible CPU.
  const options = { encoding: 'utf8', maxBuffer: 1 << 28 } as const;
  const rows = JSON.parse(execFileSync('bpftool', ['-j', 'map', 'dump', 'id', String(id)], options)) as {
    readonly key: readonly string[];
  }[];
  return rows.map(({ key }) => Buffer.from(key.slice(0, 8).map(Number)).readBigUInt64LE());
}
