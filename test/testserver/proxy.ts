import { type IncomingHttpHeaders, request as forward } from 'node:http';
import { readRequestBody, type RunningServer, serve } from './http.ts';

/** A proxy that counts requests and can inject failures. */
export interface Proxy extends RunningServer {
  /** Requests by path since the start or the last `reset`. */
  readonly requests: Map<string, number>;
  /** The PromQL of requests since the start or the last `reset`, as sent in a form or a URL. */
  readonly queries: string[];
  /** Status for every request instead of the server's response; undefined: forward all. */
  failWith: number | undefined;
  /** Delay of every request before it is forwarded, in milliseconds. Default: 0. */
  delayMs: number;
  /** Responds successfully with the first half of the server's response. */
  truncate: boolean;
  /** Headers of the last request by path. */
  readonly headers: Map<string, IncomingHttpHeaders>;
  reset(): void;
}

/** Starts a proxy on a free port of the loopback interface; several targets take turns. */
export async function startProxy(...targets: readonly [string, ...string[]]): Promise<Proxy> {
  let turn = 0;
  const requests = new Map<string, number>();
  const headers = new Map<string, IncomingHttpHeaders>();
  const queries: string[] = [];
  const server = await serve((incoming, outgoing) => {
    const path = (incoming.url ?? '').split('?')[0] ?? '';
    requests.set(path, (requests.get(path) ?? 0) + 1);
    headers.set(path, incoming.headers);
    void readRequestBody(incoming).then(async (body) => {
      for (const form of [(incoming.url ?? '').split('?')[1] ?? '', body.toString()]) {
        const query = new URLSearchParams(form).get('query');
        if (query !== null) queries.push(query);
      }
      if (proxy.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, proxy.delayMs));
      if (proxy.failWith !== undefined) {
        outgoing.writeHead(proxy.failWith).end('injected failure');
        return;
      }
      const url = `${targets[turn++ % targets.length] ?? ''}${incoming.url ?? ''}`;
      const onward = forward(url, { method: incoming.method, headers: incoming.headers }, (answer) => {
        if (proxy.truncate) {
          void readRequestBody(answer).then((whole) => outgoing.end(whole.subarray(0, whole.length / 2)));
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      onward.once('error', () => outgoing.writeHead(502).end());
      onward.end(body);
    });
  });
  const proxy: Proxy = {
    ...server,
    requests,
    headers,
    queries,
    failWith: undefined,
    delayMs: 0,
    truncate: false,
    reset: () => {
      requests.clear();
      queries.length = 0;
    },
  };
  return proxy;
}
