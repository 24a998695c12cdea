import { mkdirSync, mkdtempSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCgroupMount } from '../../../exporter/cgroups/cgroup.ts';

/** Series of one local target: requests and connections by role, histograms of 25 lines, resources and info. */
export const SERIES_PER_TARGET = 204;

/** Services of a targets file, some of them with a cgroup on this machine. */
export interface Fleet {
  readonly targetsFile: string;
  /** The cgroups of two of the services, for a client and a server. */
  readonly pair: readonly [string, string];
  /** Requires that the processes in its cgroups have ended. */
  remove(): void;
}

/** Creates `local` cgroups, at least two, and a targets file of `known` services. */
export function makeFleet(known: number, local: number): Fleet {
  const name = `lorikeet-bench-${process.pid}`;
  const root = join(findCgroupMount(), name);
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-bench-'));
  const made: string[] = [];
  const remove = () => {
    for (const path of made.splice(0).reverse()) rmdirSync(path);
    rmSync(folder, { recursive: true, force: true });
  };
  const make = (path: string) => {
    mkdirSync(path);
    made.push(path);
  };
  try {
    make(root);
    const entries: string[] = [];
    for (let index = 0; index < known; index++) {
      const service = `service-${index % Math.ceil(known / 3)}`;
      const address = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
      const pod = `${service}-7f9c6d5b8-x${index}`;
      const cgroup = index < local ? `, cgroup: /${name}/pod-${index}` : '';
      if (index < local) make(join(root, `pod-${index}`));
      entries.push(`  - {namespace: shop, service: ${service}, pod: ${pod}, addresses: [${address}]${cgroup}}\n`);
    }
    const targetsFile = join(folder, 'targets.yaml');
    writeFileSync(targetsFile, `targets:\n${entries.join('')}`);
    return { targetsFile, pair: [join(root, 'pod-0'), join(root, 'pod-1')], remove };
  } catch (error) {
    remove();
    throw error;
  }
}
