import { readdirSync, statSync } from 'node:fs';
import { cgroupId, isAbsent } from '../../cgroups/cgroup.ts';

/** What a pod's cgroup is named by. */
export interface CgroupName {
  readonly qosClass: string;
  /** The pod's uid; a static pod's is the hash of its manifest. */
  readonly uid: string;
}

/** How deep below the mount the kubelet's folder may be: as a cluster in containers has it, under those of an engine. */
const GREATEST_DEPTH = 6;

/**
 * The folders below which kubelets keep their pods' cgroups, as paths below `mount`: `/kubepods` or `/kubepods.slice`, below
 * others or with a prefix where the kubelet was given a root of its own. There are several where a machine plays several nodes.
 */
export function findKubepods(mount: string): readonly string[] {
  const found: string[] = [];
  const search = (path: string, depth: number): void => {
    for (const name of childFolders(mount + path)) {
      const child = `${path}/${name}`;
      if (/(?:^|-)kubepods(?:\.slice)?$/.test(name)) found.push(child);
      else if (depth < GREATEST_DEPTH) search(child, depth + 1);
    }
  };
  search('', 1);
  return found;
}

function childFolders(folder: string): string[] {
  try {
    // A folder with two links has no folders in it; other file systems count no links at all.
    if (statSync(folder).nlink === 2) return [];
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/**
 * A pod's cgroup below a folder of `findKubepods`, as the kubelet names it with each of its two drivers:
 * `…/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<uid with underscores>.slice` with systemd, where a
 * slice's name repeats those above it, and `…/kubepods/burstable/pod<uid>` with cgroupfs.
 */
export function podCgroup(kubepods: string, { qosClass, uid }: CgroupName): string {
  const qos = qosClass === 'Guaranteed' ? undefined : qosClass.toLowerCase();
  const slice = /([^/]+)\.slice$/.exec(kubepods)?.[1];
  if (slice === undefined) return [kubepods, ...(qos === undefined ? [] : [qos]), `pod${uid}`].join('/');
  const parent = qos === undefined ? slice : `${slice}-${qos}`;
  const folder = qos === undefined ? kubepods : `${kubepods}/${parent}.slice`;
  return `${folder}/${parent}-pod${uid.replaceAll('-', '_')}.slice`;
}

/** Where the cgroups of this machine's pods are. */
export class PodCgroups {
  readonly #mount: string;
  #kubepods: readonly string[] = [];

  /** `mount` is where cgroup2 is mounted. */
  constructor(mount: string) {
    this.#mount = mount;
    this.search();
  }

  /** Looks for kubelets' folders anew. */
  search(): void {
    this.#kubepods = findKubepods(this.#mount);
  }

  /** Path below the mount of the pod's cgroup, whether it is there already or not; undefined without a kubelet's folder. */
  path(pod: CgroupName): string | undefined {
    const paths = this.#kubepods.map((kubepods) => podCgroup(kubepods, pod));
    return paths.find((path) => this.exists(path)) ?? paths[0];
  }

  exists(path: string): boolean {
    return cgroupId(this.#mount + path) !== undefined;
  }
}
