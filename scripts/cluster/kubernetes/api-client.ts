import { Agent, request } from 'undici';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** The Kubernetes API behind the socket of `kubectl proxy`, as its administrator. */
export class ApiClient {
  readonly #dispatcher: Agent;

  constructor(socketPath: string) {
    this.#dispatcher = new Agent({ connect: { socketPath } });
  }

  /** Resolves with the text of a successful response. @throws Error with the response */
  async text(method: Method, path: string, body?: object): Promise<string> {
    const answer = await request(new URL(path, 'http://localhost'), {
      dispatcher: this.#dispatcher,
      method,
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode}: ${text}`);
    return text;
  }

  readonly request = async <Answer>(method: Method, path: string, body?: object): Promise<Answer> =>
    JSON.parse(await this.text(method, path, body)) as Answer;

  close(): Promise<void> {
    return this.#dispatcher.destroy();
  }
}
