import type { IncomingMessage, ServerResponse } from 'node:http';
import { readRequestBody, serve } from '../../../testserver/http.ts';

/** Answers a query; false leaves it to the server. */
export type Misbehaviour = (query: URLSearchParams, response: ServerResponse) => boolean;

export interface FakePrometheus {
  readonly url: string;
  /** Queries that were valid, and other requests. */
  readonly asked: readonly string[];
  /** Requests that the API does not allow, with the reason. */
  readonly violations: readonly string[];
  /** How the server answers queries from now on. Default: no series. */
  misbehave(how: Misbehaviour): void;
  stop(): Promise<void>;
}

/**
 * A Prometheus that misbehaves as told. It refuses what the API forbids:
 * https://prometheus.io/docs/prometheus/latest/querying/api/
 */
export async function startFakePrometheus(): Promise<FakePrometheus> {
  const asked: string[] = [];
  const violations: string[] = [];
  let how: Misbehaviour = () => false;
  const answer = (request: IncomingMessage, form: string, response: ServerResponse) => {
    const { pathname: path, searchParams } = new URL(request.url ?? '', 'http://server');
    const parameters = request.method === 'POST' ? new URLSearchParams(form) : searchParams;
    if (!/^\/api\/v1\/query(_range)?$/.test(path)) {
      response.writeHead(404).end();
      return;
    }
    const violation = violationOf(request, path, parameters);
    if (violation !== undefined) {
      violations.push(violation);
      response.writeHead(400).end(JSON.stringify({ status: 'error', errorType: 'bad_data', error: violation }));
      return;
    }
    asked.push(parameters.get('query') ?? '');
    if (how(parameters, response)) return;
    response.end(vectorOf([]));
  };
  const server = await serve((request, response) => {
    void readRequestBody(request).then((body) => answer(request, body.toString(), response));
  });
  return {
    url: server.url,
    asked,
    violations,
    misbehave: (next) => {
      how = next;
    },
    stop: () => server.stop(),
  };
}

const TIME = /^\d+(\.\d+)?$/;

function violationOf({ method, headers }: IncomingMessage, path: string, form: URLSearchParams): string | undefined {
  if (method !== 'POST' && method !== 'GET') return `method ${method}`;
  if (method === 'POST' && headers['content-type'] !== 'application/x-www-form-urlencoded')
    return `type ${headers['content-type']}`;
  if ((form.get('query') ?? '') === '') return 'no query';
  const times = path.endsWith('_range') ? ['start', 'end', 'step'] : ['time'];
  // The time of a query may be left to the server.
  for (const name of times)
    if ((form.has(name) || name !== 'time') && !TIME.test(form.get(name) ?? '')) return `${name}=${form.get(name)}`;
  return undefined;
}

/** The response with these series, each as JSON. */
export function vectorOf(series: readonly string[]): string {
  return `{"status":"success","data":{"resultType":"matrix","result":[${series.join(',')}]}}`;
}
