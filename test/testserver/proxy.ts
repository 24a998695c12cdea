import { type IncomingHttpHeaders, request as forward } from 'node:http';
import { readRequestBody, type RunningServer, serve } from './http.ts';

/** A server in front of another that counts what passes and can stand in the way. */
export interface Proxy extends RunningServer {
  /** Requests by path since the start or the last `reset`. */
  readonly requests: Map<string, number>;
  /** Status that every request gets instead of the server's answer; undefined lets all pass. */
  failWith: number | undefined;
  /** Milliseconds that every request waits before it is passed on. Default 0. */
  delayMs: number;
  /** Answers successfully with the first half of what the server answers. */
  truncate: boolean;
  /** Headers of the last request by path. */
  readonly headers: Map<string, IncomingHttpHeaders>;
  reset(): void;
}

/** Starts a proxy on a free port of the loopback for the server at `target`. */
export async function startProxy(target: string): Promise<Proxy> {
  const requests = new Map<string, number>();
  const headers = new Map<string, IncomingHttpHeaders>();
  const server = await serve((incoming, outgoing) => {
    const path = (incoming.url ?? '').split('?')[0] ?? '';
    requests.set(path, (requests.get(path) ?? 0) + 1);
    headers.set(path, incoming.headers);
    void readRequestBody(incoming).then(async (body) => {
      if (proxy.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, proxy.delayMs));
      if (proxy.failWith !== undefined) {
        outgoing.writeHead(proxy.failWith).end('standing in the way');
        return;
      }
      const url = `${target}${incoming.url ?? ''}`;
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
    failWith: undefined,
    delayMs: 0,
    truncate: false,
    reset: () => requests.clear(),
  };
  return proxy;
}
