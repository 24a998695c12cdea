import { walkCgroups, type CgroupFolder } from '../cgroups/cgroup.ts';
import { readId } from '../cgroups/id.ts';

const ID_BYTES = 8;
/** Id of the root cgroup. */
const ROOT = 1n;

/** Ids of a cgroup's parent, grandparent, ... in a row of the kernel's map; `width` is the row's size in bytes. */
export function readAncestors(values: Buffer, start: number, width: number): bigint[] {
  const ancestors: bigint[] = [];
  for (let offset = start; offset < start + width; offset += ID_BYTES) {
    const id = readId(values, offset);
    if (id === 0n) break;
    ancestors.push(id);
  }
  return ancestors;
}

/** True if the row may have no room for the ancestors nearest to the root. */
export function isCut(ancestors: readonly bigint[], width: number): boolean {
  return ancestors.length * ID_BYTES === width && ancestors.at(-1) !== ROOT;
}

interface Descendant {
  ancestors: readonly bigint[];
}

/**
 * Adds the missing ancestors of cut rows from the directory tree: those of the last recorded one. It exists as long as
 * anything below it, so a cgroup that vanished before it was read is found as well.
 */
export function completeAncestors(descendants: readonly Descendant[], cgroupfs: string): void {
  const byLast = new Map<bigint | undefined, Descendant[]>();
  for (const one of descendants) {
    const last = one.ancestors.at(-1);
    byLast.set(last, [...(byLast.get(last) ?? []), one]);
  }
  const parents: CgroupFolder[] = [];
  for (const folder of walkCgroups(cgroupfs)) {
    while (parents.length > 0 && !folder.path.startsWith(`${parents.at(-1)?.path}/`)) parents.pop();
    for (const one of byLast.get(folder.id) ?? []) {
      one.ancestors = [...one.ancestors, ...parents.map(({ id }) => id).reverse()];
    }
    parents.push(folder);
  }
}
