import { readFile } from 'node:fs/promises';
import { httpClientFiles } from '../../../daemon/http-client/settings/files.ts';
import { targetKeys } from '../../endpoints.ts';
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
  const writes = config.output === 'remote_write' ? (config.remote_write ?? []) : [];
  const keys = targetKeys(writes);
  const base = modelPaths(config).base;
  return [
    ['features_file', featuresFile],
    ['base_model', base],
    ...httpClientFiles(config.prometheus).map(([key, path]) => [`prometheus.${key}`, path] as const),
    ...writes.flatMap((target, at) =>
      httpClientFiles(target).map(([key, path]) => [`${keys[at]}.${key}`, path] as const),
    ),
  ];
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
