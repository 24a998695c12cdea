import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What a machine must not change on the computer around it. */
export interface SharedState {
  readonly mounts: string;
  readonly links: string;
  readonly rules: string;
  /** Settings of the kernel that a kubelet writes, and that kube-proxy writes. */
  readonly settings: readonly string[];
}

const SETTINGS = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
  'net/ipv4/ip_forward',
];

export function sharedState(): SharedState {
  const run = (command: string, ...args: readonly string[]) => execFileSync(command, args, { encoding: 'utf8' });
  return {
    // The network namespaces of other programs come and go.
    mounts: readFileSync('/proc/self/mounts', 'utf8').replaceAll(/^\S+ \/run\/netns\S* .*\n/gm, ''),
    links: run('ip', '-brief', 'link'),
    rules: run('nft', 'list', 'ruleset'),
    settings: SETTINGS.map((name) => `${name}=${readFileSync(`/proc/sys/${name}`, 'utf8').trim()}`),
  };
}
