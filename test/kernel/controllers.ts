import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findHierarchy, isUnified, type Hierarchy } from '../../exporter/cgroups/hierarchy.ts';
import { type Cgroup } from './sandbox.ts';
import { findCgroupMount } from '../../exporter/cgroups/cgroup.ts';

/** A cgroup of its own in the hierarchy of a controller, which is turned on for it. */
export interface ControlledCgroup extends Cgroup {
  readonly hierarchy: Hierarchy;
}

/** Names of controllers in version 1 and 2. */
const CONTROLLERS = { blkio: 'io', memory: 'memory' } as const;
type Controller = keyof typeof CONTROLLERS;

/** Where the controller is, whichever version that is; undefined when it is nowhere to be had. */
export function hierarchyOf(controller: Controller): Hierarchy | undefined {
  const hierarchy = findHierarchy(controller, findCgroupMount());
  if (hierarchy === undefined || !isUnified(hierarchy)) return hierarchy;
  return wordsOf(hierarchy, 'cgroup.controllers').includes(CONTROLLERS[controller]) ? hierarchy : undefined;
}

/** Makes a cgroup of this name for the length of `work`, with the controllers turned on, also when they were off before. */
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

/** Gives those that were off. */
function turnOn(hierarchy: Hierarchy, controllers: readonly Controller[]): readonly string[] {
  const on = wordsOf(hierarchy, CONTROL);
  const off = controllers.map((controller) => CONTROLLERS[controller]).filter((controller) => !on.includes(controller));
  for (const controller of off) writeFileSync(join(hierarchy.root, CONTROL), `+${controller}`);
  return off;
}

function wordsOf({ root }: Hierarchy, file: string): readonly string[] {
  return readFileSync(join(root, file), 'utf8').trim().split(' ');
}
