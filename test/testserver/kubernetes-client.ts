import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';

/** Who asks, by a certificate, and whom: files in PEM. */
export interface ClientFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface KubernetesClient {
  /**
   * Asks for a path below the server's URL and resolves with the answer. A PATCH is a merge patch.
   * @throws Error with the server's answer unless it is successful.
   */
  readonly request: <Answer = unknown>(method: Method, path: string, body?: object) => Promise<Answer>;
  /** Whether the server has all that it starts with: its roles and the namespace `default` too. */
  isReady(): Promise<boolean>;
  close(): Promise<void>;
}

/** @param connections how many requests are under way at a time; others wait. */
export function kubernetesClient(url: string, files: ClientFiles, connections = 16): KubernetesClient {
  const [ca, cert, key] = [files.caFile, files.certFile, files.keyFile].map((file) => readFileSync(file, 'utf8'));
  const dispatcher = new Agent({ connections, connect: { ca, cert, key } });
  const ask = async (method: Method, path: string, body?: object): Promise<string> => {
    const answer = await request(new URL(path, url), {
      dispatcher,
      method,
      headers: { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode}: ${text}`);
    return text;
  };
  return {
    request: async <Answer>(method: Method, path: string, body?: object) =>
      JSON.parse(await ask(method, path, body)) as Answer,
    isReady: () =>
      Promise.all([ask('GET', '/readyz'), ask('GET', '/api/v1/namespaces/default')]).then(
        () => true,
        () => false,
      ),
    close: () => dispatcher.destroy(),
  };
}
