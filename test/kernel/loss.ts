import { compileBpf } from './compile.ts';
import type { Sandbox } from './sandbox.ts';

/** Has a sandbox's loopback drop segments now and then (testdata/dropper.bpf.c, compiled into `folder`). */
export function loseSegments(sandbox: Sandbox, folder: string): void {
  sandbox.configure('tc', 'qdisc', 'add', 'dev', 'lo', 'clsact');
  const object = compileBpf('dropper.bpf.c', folder);
  // tc mounts a bpffs where there is none; the mount is to end with it.
  const filter = ['tc', 'filter', 'add', 'dev', 'lo', 'ingress', 'bpf', 'da', 'obj', object, 'sec', 'tc'];
  sandbox.configure('unshare', '--mount', ...filter);
}
