import { walkCgroups, type CgroupFolder } from '../cgroups/cgroup.ts';
import { MAX_ANCESTORS } from './leaf.ts';

/** Id of the root cgroup. */
const ROOT = 1n;

/** True if a row with so many ancestors may have no room for those nearest to the root. */
export function isCut(ancestors: readonly bigint[]): boolean {
  return ancestors.length === MAX_ANCESTORS && ancestors.at(-1) !== ROOT;
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
