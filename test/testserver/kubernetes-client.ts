import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';

/** Client certificate and server; files in PEM. */
export interface ClientFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface KubernetesClient {
  /**
   * Requests a path below the server's URL and resolves with the response. A PATCH is a merge patch.
   * @throws Error with the server's response unless it is successful.
   */
  readonly request: <Answer = unknown>(method: Method, path: string, body?: object) => Promise<Answer>;
  /** True if the server has its initial objects, such as its roles and the namespace `default`. */
  isReady(): Promise<boolean>;
  close(): Promise<void>;
}

/** @param connections maximum number of concurrent requests; others wait. */
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
