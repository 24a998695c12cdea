import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { readFileBounded } from '../../../../daemon/files/read-file.ts';
import { MAX_YAML_LENGTH, parseYaml } from '../../../../daemon/yaml/parse-yaml.ts';
import type { Credentials, RequestCredentials } from './credentials.ts';

/**
 * The current context of a kubeconfig, with all its authentication methods. Imported only if a kubeconfig is used: the
 * library needs more memory than the rest of the identity code.
 *
 * @throws FileError, YamlError, or Error if it has no current context; none has a secret of the file.
 */
export function fromKubeconfig(file: string): Credentials {
  const config = new KubeConfig();
  const text = readFileBounded(file, MAX_YAML_LENGTH).toString('utf8');
  // The library's own error has the line of a mistake, which may be that of a token.
  parseYaml(text);
  config.loadFromString(text);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new Error('expected a current context with a cluster');
  return {
    server,
    async forRequest() {
      const options: RequestOptions = { headers: {} };
      // The library's types come from another version of Node.js' types.
      await config.applyToHTTPSOptions(options as Parameters<typeof config.applyToHTTPSOptions>[0]);
      const { agent, headers, auth } = options;
      return {
        headers: headers as RequestCredentials['headers'],
        ...(agent !== undefined && { agent }),
        ...(typeof auth === 'string' && { auth }),
      };
    },
  };
}
