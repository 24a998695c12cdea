import { request as forward } from 'node:http';
import { readRequestBody, type RunningServer, serve } from './http.ts';

/** A server in front of another that counts what passes and can stand in the way. */
export interface Proxy extends RunningServer {
  /** Requests by path since the start or the last `reset`. */
  readonly requests: Map<string, number>;
  /** Status that every request gets instead of the server's answer; undefined lets all pass. */
  failWith: number | undefined;
  reset(): void;
}

/** Starts a proxy on a free port of the loopback for the server at `target`. */
export async function startProxy(target: string): Promise<Proxy> {
  const requests = new Map<string, number>();
  const server = await serve((incoming, outgoing) => {
    const path = (incoming.url ?? '').split('?')[0] ?? '';
    requests.set(path, (requests.get(path) ?? 0) + 1);
    void readRequestBody(incoming).then((body) => {
      if (proxy.failWith !== undefined) {
        outgoing.writeHead(proxy.failWith).end('standing in the way');
        return;
      }
      const url = `${target}${incoming.url ?? ''}`;
      const onward = forward(url, { method: incoming.method, headers: incoming.headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      onward.once('error', () => outgoing.writeHead(502).end());
      onward.end(body);
    });
  });
  const proxy: Proxy = { ...server, requests, failWith: undefined, reset: () => requests.clear() };
  return proxy;
}
