import { readdirSync, statSync } from 'node:fs';
import { cgroupId, isAbsent } from '../../../cgroups/cgroup.ts';

/** The parts of the name of a pod's cgroup. */
export interface CgroupName {
  readonly qosClass: string;
  /** The pod's uid; a static pod's is the hash of its manifest. */
  readonly uid: string;
}

/**
 * Maximum depth of the kubelet's directory below the mount. A cluster in containers has it below the engine's cgroups.
 */
const MAX_DEPTH = 6;

/**
 * The kubelets' root directories for pods, as paths below `mount`: `/kubepods` or `/kubepods.slice`. A kubelet with a
 * configured cgroup root has it below other cgroups, or with a prefix. A machine that runs several nodes has several.
 */
export function findKubepods(mount: string): readonly string[] {
  const found: string[] = [];
  const search = (path: string, depth: number): void => {
    for (const name of childFolders(mount + path)) {
      const child = `${path}/${name}`;
      if (/(?:^|-)kubepods(?:\.slice)?$/.test(name)) found.push(child);
      else if (depth < MAX_DEPTH) search(child, depth + 1);
    }
  };
  search('', 1);
  return found;
}

function childFolders(folder: string): string[] {
  try {
    // A directory with two links has no subdirectories; other file systems have no link counts.
    if (statSync(folder).nlink === 2) return [];
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/**
 * A pod's cgroup below a directory from `findKubepods`, as named by each of the kubelet's two cgroup drivers:
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

/** Paths of the cgroups of this machine's pods. */
export class PodCgroups {
  readonly #mount: string;
  #kubepods: readonly string[] = [];

  /** `mount` is the mount point of cgroup2. */
  constructor(mount: string) {
    this.#mount = mount;
    this.search();
  }

  /** Searches for the kubelets' directories again. */
  search(): void {
    this.#kubepods = findKubepods(this.#mount);
  }

  /**
   * Path of the pod's cgroup below the mount, even if it does not exist yet; undefined without a kubelet's directory.
   */
  path(pod: CgroupName): string | undefined {
    const paths = this.#kubepods.map((kubepods) => podCgroup(kubepods, pod));
    return paths.find((path) => this.exists(path)) ?? paths[0];
  }

  exists(path: string): boolean {
    return cgroupId(this.#mount + path) !== undefined;
  }
}
