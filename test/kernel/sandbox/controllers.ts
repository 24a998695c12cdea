import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findHierarchy, isUnified, type Hierarchy } from '../../../exporter/cgroups/hierarchy.ts';
import { type Cgroup } from './sandbox.ts';
import { findCgroupMount } from '../../../exporter/cgroups/cgroup.ts';

/** A cgroup in the hierarchy of a controller, which is enabled for it. */
export interface ControlledCgroup extends Cgroup {
  readonly hierarchy: Hierarchy;
}

/** Names of controllers in versions 1 and 2. */
const CONTROLLERS = { blkio: 'io', memory: 'memory' } as const;
type Controller = keyof typeof CONTROLLERS;

/** The hierarchy of a controller, of either version; undefined if it is not available. */
export function hierarchyOf(controller: Controller): Hierarchy | undefined {
  const hierarchy = findHierarchy(controller, findCgroupMount());
  if (hierarchy === undefined || !isUnified(hierarchy)) return hierarchy;
  return wordsOf(hierarchy, 'cgroup.controllers').includes(CONTROLLERS[controller]) ? hierarchy : undefined;
}

/** Creates a cgroup of this name for `work`, with the controllers enabled, even if they were disabled before. */
export async function withController<T>(
  controllers: readonly Controller[],
  hierarchy: Hierarchy,
  name: string,
  work: (cgroup: ControlledCgroup) => Promise<T>,
): Promise<T> {
  const turnedOn = isUnified(hierarchy) ? turnOn(hierarchy, controllers) : [];
  const path = join(hierarchy.root, name);
  try {
    mkdirSync(path);
    return await work({ path, id: statSync(path, { bigint: true }).ino, hierarchy });
  } finally {
    if (existsSync(path)) rmdirSync(path);
    for (const controller of turnedOn) writeFileSync(join(hierarchy.root, CONTROL), `-${controller}`);
  }
}

const CONTROL = 'cgroup.subtree_control';

/** Returns those that were disabled. */
function turnOn(hierarchy: Hierarchy, controllers: readonly Controller[]): readonly string[] {
  const on = wordsOf(hierarchy, CONTROL);
  const off = controllers.map((controller) => CONTROLLERS[controller]).filter((controller) => !on.includes(controller));
  for (const controller of off) writeFileSync(join(hierarchy.root, CONTROL), `+${controller}`);
  return off;
}

function wordsOf({ root }: Hierarchy, file: string): readonly string[] {
  return readFileSync(join(root, file), 'utf8').trim().split(' ');
}
