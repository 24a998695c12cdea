import { compileBpf } from '../bpf/compile.ts';
import type { Sandbox } from './sandbox.ts';

/** Makes a sandbox's loopback interface drop some segments (testdata/dropper.bpf.c, compiled into `folder`). */
export function loseSegments(sandbox: Sandbox, folder: string): void {
  sandbox.configure('tc', 'qdisc', 'add', 'dev', 'lo', 'clsact');
  const object = compileBpf('dropper.bpf.c', folder);
  // tc mounts a bpffs if there is none: unshare, so that the mount ends with it.
  const filter = ['tc', 'filter', 'add', 'dev', 'lo', 'ingress', 'bpf', 'da', 'obj', object, 'sec', 'tc'];
  sandbox.configure('unshare', '--mount', ...filter);
}
