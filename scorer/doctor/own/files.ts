import { readFile } from 'node:fs/promises';
import type { HttpClientSettings } from '../../../daemon/http-client/client.ts';
import { modelPaths } from '../../paths.ts';
import { type Check, error, type Finding, ok } from '../check.ts';
import type { System } from '../system.ts';

/** The files that the configuration names. The scorer reads secrets for each request, so they may become unreadable. */
export const files: Check = {
  name: 'files',
  about: 'credentials, certificates, features and models can be read',
  queries: false,
  async run(system) {
    const named = namedFiles(system);
    const failures = await Promise.all(named.map(([key, path]) => failureOf(key, path)));
    const found = failures.filter((finding) => finding !== undefined);
    return found.length > 0 ? found : [ok(`${named.length} files can be read`)];
  },
};

/** Key in the configuration and path of each file that must be readable. */
function namedFiles({ config, featuresFile }: System): readonly (readonly [key: string, path: string])[] {
  const writes = config.output === 'remote_write' ? [config.remote_write ?? []].flat() : [];
  const base = modelPaths(config).base;
  return [
    ['features_file', featuresFile],
    ['base_model', base],
    ...clientFiles('prometheus', config.prometheus),
    ...writes.flatMap((target) => clientFiles('remote_write', target)),
  ];
}

function clientFiles(section: string, settings: HttpClientSettings): (readonly [key: string, path: string])[] {
  const { basic_auth: basic, authorization, tls_config: tls } = settings;
  const paths = {
    'basic_auth.password_file': basic?.password_file,
    'authorization.credentials_file': authorization?.credentials_file,
    'tls_config.ca_file': tls?.ca_file,
    'tls_config.cert_file': tls?.cert_file,
    'tls_config.key_file': tls?.key_file,
  };
  return Object.entries(paths).flatMap(([key, path]) =>
    path === undefined ? [] : [[`${section}.${key}`, path] as const],
  );
}

async function failureOf(key: string, path: string): Promise<Finding | undefined> {
  try {
    if ((await readFile(path)).length > 0) return undefined;
    return error(`${key}: ${path} is empty`, 'write its content, or remove the key');
  } catch (failure) {
    const code = (failure as NodeJS.ErrnoException).code ?? '';
    if (code === 'ENOENT') return error(`${key}: ${path} does not exist`, `create it, or correct ${key}`);
    const user = process.getuid?.();
    return error(
      `${key}: ${path} cannot be read (${code})`,
      `make it readable for the user that runs the scorer${user === undefined ? '' : ` (this is user ${user})`}`,
    );
  }
}
