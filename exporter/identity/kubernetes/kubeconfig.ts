import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import type { Credentials, RequestCredentials } from './credentials.ts';

/**
 * The current context of a kubeconfig, with all ways of authentication that it may name. Imported only where there is
 * one: the library that knows them takes more memory than all else that identity needs.
 *
 * @throws Error when it can't be read, or has none.
 */
export function fromKubeconfig(file: string): Credentials {
  const config = new KubeConfig();
  config.loadFromFile(file);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new Error('expected a current context with a cluster');
  return {
    server,
    async forRequest() {
      const options: RequestOptions = { headers: {} };
      // Its types are those of another version of Node.js'.
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
