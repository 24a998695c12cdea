import { cgroupMounts, type CgroupMount } from '../../daemon/cgroup-mount.ts';

/** A path from the user, or what is wrong with it. */
export type CgroupPath = { readonly path: string } | { readonly problem: string };

/** NAME_MAX of linux/limits.h. */
const MAX_NAME_BYTES = 255;

/**
 * The path of a cgroup below the mount, as the kernel writes it, from the user's: without repeated and trailing slashes,
 * without `.`, and without the mount point that shells and `systemd-cgls` users paste with it.
 *
 * @param roots from `cgroupRoots`
 */
export function cgroupPath(text: string, roots: readonly string[]): CgroupPath {
  if (!text.startsWith('/')) return { problem: 'expected a path below the cgroup2 mount such as /shop.slice/cart' };
  if (/\p{Cc}/u.test(text)) return { problem: 'expected a path without control characters' };
  const names = text.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..')) return { problem: 'expected a path without ".."' };
  if (names.some((name) => Buffer.byteLength(name) > MAX_NAME_BYTES)) {
    return { problem: `expected names of at most ${MAX_NAME_BYTES} bytes` };
  }
  const whole = `/${names.join('/')}`;
  const root = roots.find((one) => whole === one || whole.startsWith(`${one}/`)) ?? '';
  const path = whole.slice(root.length);
  return path === '' || path === '/'
    ? { problem: 'expected a path below the cgroup2 mount such as /shop.slice/cart' }
    : { path };
}

const USUAL = '/sys/fs/cgroup';

/**
 * Directories that a pasted path may start with, longest first: the mount points of all hierarchies, that of
 * --path.cgroupfs, and the usual one of the host, which a container may have elsewhere.
 */
export function cgroupRoots(given?: string, mounts: readonly CgroupMount[] = cgroupMounts()): string[] {
  const here = mounts.map(({ path }) => path);
  // A cgroup of this name may exist where version 2 is alone.
  const alone = mounts.some(({ path, version }) => path === USUAL && version === 2);
  const roots = [...here, USUAL, ...(alone ? [] : [`${USUAL}/unified`])];
  if (given !== undefined) roots.push(given.replace(/\/+$/, ''));
  return [...new Set(roots)].filter((root) => root.length > 1).sort((a, b) => b.length - a.length);
}
