import { copyFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunningKubernetes } from '../testserver/kubernetes.ts';

/** A directory with a service account's files, as mounted into a pod by a kubelet. */
export class AccountFolder {
  readonly path: string;

  constructor({ folder, caFile }: RunningKubernetes, name: string) {
    this.path = join(folder, name);
    mkdirSync(this.path);
    copyFileSync(caFile, join(this.path, 'ca.crt'));
  }

  /** Replaces the token atomically, like a kubelet. */
  write(token: string): void {
    const file = join(this.path, 'token');
    writeFileSync(`${file}.new`, token);
    renameSync(`${file}.new`, file);
  }

  /**
   * Runs a command like a container of the cluster: with the files at their paths and the server's address in
   * variables.
   */
  command(url: string): [string, ...string[]] {
    const { hostname, port } = new URL(url);
    const folder = '/run/secrets/kubernetes.io/serviceaccount';
    const script = `mount -t tmpfs tmpfs /run && mkdir -p ${folder} && mount --bind "$0" ${folder} && exec "$@"`;
    const variables = [`KUBERNETES_SERVICE_HOST=${hostname}`, `KUBERNETES_SERVICE_PORT=${port}`];
    return ['env', ...variables, 'unshare', '--mount', 'sh', '-c', script, this.path];
  }
}
