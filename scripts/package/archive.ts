import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** GNU tar's arguments for an archive that does not depend on who makes it, when and where. */
function tarArgs(epoch: string): string[] {
  const owner = ['--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go=rX'];
  return ['--sort=name', `--mtime=@${epoch}`, ...owner, '--format=gnu'];
}

/** Writes a .tar.gz with the entry `name` of `folder`. @param epoch time of all entries, seconds since 1970 */
export function archive(file: string, folder: string, name: string, epoch: string): void {
  const command = 'file=$1; shift; LC_ALL=C tar "$@" | gzip -9n >"$file"';
  const args = [...tarArgs(epoch), '-C', folder, '-cf', '-', name];
  execFileSync('bash', ['-o', 'pipefail', '-ec', command, 'tar', file, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Writes a .tar of an OCI image layout, whose layers are compressed. @param epoch as for {@link archive} */
export function imageArchive(file: string, layout: string, epoch: string): void {
  const entries = ['blobs', 'index.json', 'oci-layout'];
  execFileSync('tar', [...tarArgs(epoch), '-C', layout, '-cf', file, ...entries], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, LC_ALL: 'C' },
  });
}

export function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
