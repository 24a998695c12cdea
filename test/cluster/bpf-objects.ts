import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupMount } from '../../daemon/cgroup-mount.ts';
import type { Cluster } from '../../scripts/cluster/cluster.ts';

/** A program or map in the kernel. */
export interface BpfObject {
  readonly kind: 'prog' | 'map';
  readonly id: string;
}

/** What the processes of the exporters' pods hold in the kernel, found by their open files. */
export async function objectsOfExporters(cluster: Cluster): Promise<BpfObject[]> {
  const { items } = await cluster.api.request<{ readonly items: readonly { readonly metadata: { uid: string } }[] }>(
    'GET',
    '/api/v1/namespaces/lorikeet/pods?labelSelector=app.kubernetes.io/name%3Dlorikeet-exporter',
  );
  const cgroups = cgroupsBelow(join(cgroupMount() ?? '', cluster.machine.name));
  const own = cgroups.filter((path) => items.some(({ metadata }) => path.includes(`pod${metadata.uid}`)));
  const objects = own.flatMap(processesIn).flatMap(heldBy);
  return [...new Map(objects.map((object) => [`${object.kind} ${object.id}`, object])).values()];
}

/** True if the kernel has it; ids are not reused. */
export function isInKernel({ kind, id }: BpfObject): boolean {
  return spawnSync('bpftool', [kind, 'show', 'id', id]).status === 0;
}

export function cgroupsBelow(path: string): string[] {
  if (!existsSync(path)) return [];
  const folders = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [path, ...folders.flatMap(({ name }) => cgroupsBelow(join(path, name)))];
}

function processesIn(cgroup: string): string[] {
  return readFileSync(join(cgroup, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean);
}

function heldBy(pid: string): BpfObject[] {
  const folder = `/proc/${pid}/fdinfo`;
  return readdirSync(folder).flatMap((file) => {
    const [, kind, id] = /^(prog|map)_id:\s*(\d+)$/m.exec(readFileSync(join(folder, file), 'utf8')) ?? [];
    return kind === undefined || id === undefined ? [] : [{ kind: kind as BpfObject['kind'], id }];
  });
}
