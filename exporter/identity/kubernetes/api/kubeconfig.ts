import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import type { Credentials, RequestCredentials } from './credentials.ts';

/**
 * The current context of a kubeconfig, with all its authentication methods. Imported only if a kubeconfig is used: the
 * library needs more memory than the rest of the identity code.
 *
 * @throws Error if it cannot be read, or has no current context.
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
