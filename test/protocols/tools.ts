import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';

/** A program that a machine may lack. */
export interface Tool {
  /** The command's path; undefined if it is missing. */
  find(): string | undefined;
  /** How to get it. */
  readonly lack: string;
}

/** The folder of scripts/fetch-protocols.sh, with packages from PyPI and npm. */
export const PACKAGES = execFileSync('bash', ['scripts/fetch-protocols.sh', '--path'], { encoding: 'utf8' }).trim();

/** Where Debian and others put servers, beside the PATH. */
const MORE = ['/usr/sbin', '/sbin', '/usr/lib/postgresql/15/bin', '/usr/local/go/bin'];

const folders = (): readonly string[] => [...(process.env['PATH'] ?? '').split(':'), ...MORE];

function debian(command: string, debianPackage = command): Tool {
  return {
    find: () =>
      folders()
        .map((folder) => join(folder, command))
        .find((path) => existsSync(path)),
    lack: `no ${basename(command)} (Debian: ${debianPackage})`,
  };
}

const fetched = (path: string, what: string): Tool => ({
  find: () => (existsSync(join(PACKAGES, 'complete')) ? join(PACKAGES, path) : undefined),
  lack: `no ${what} (scripts/fetch-protocols.sh)`,
});

export const NGINX = debian('nginx');
export const HAPROXY = debian('haproxy');
export const REDIS = debian('redis-server');
export const MEMCACHED = debian('memcached');
export const POSTGRES = debian('postgres', 'postgresql');
export const PSQL = debian('psql', 'postgresql-client');
export const MARIADBD = debian('mariadbd', 'mariadb-server');
export const MARIADB = debian('mariadb', 'mariadb-client');
/** The one on the PATH changes the user. */
export const RABBITMQ = debian('../lib/rabbitmq/bin/rabbitmq-server', 'rabbitmq-server');
export const MOSQUITTO = debian('mosquitto');
export const NATS = debian('nats-server');
export const GO: Tool = { ...debian('go'), lack: 'no Go on the PATH (https://go.dev/dl)' };
export const PYTHON_PACKAGES = fetched('python/bin/python', 'packages from PyPI');
/** Kernels may be built without. */
export const MPTCP: Tool = {
  find: () => ['/proc/sys/net/mptcp/enabled'].find((path) => existsSync(path)),
  lack: 'the kernel has no MPTCP',
};
/** Built from kafka/ with Go. */
export const KAFKA: Tool = {
  find: () => [join(PACKAGES, 'kafka')].find((path) => existsSync(path)),
  lack: 'no Kafka (scripts/fetch-protocols.sh builds one with Go)',
};
export const NODE_PACKAGES = fetched('node_modules', 'packages from npm');

/** The path of a tool that the case needs. */
export function pathOf(tool: Tool): string {
  const path = tool.find();
  if (path === undefined) throw new Error(tool.lack);
  return path;
}
