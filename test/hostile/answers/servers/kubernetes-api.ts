import type { IncomingMessage, ServerResponse } from 'node:http';
import { readFileSync, writeFileSync } from 'node:fs';
import { makeAuthority } from '../../../daemon/certificates.ts';
import { serve } from '../../../testserver/http.ts';

/** What the exporter asks for: the path of a resource, and whether it watches it. */
export interface Asked {
  readonly path: string;
  readonly isWatch: boolean;
  readonly query: URLSearchParams;
}

/** Answers a request; false leaves it to the server. */
export type Misbehaviour = (asked: Asked, response: ServerResponse) => boolean;

export interface FakeKubernetes {
  /** A kubeconfig for it. */
  readonly kubeconfig: string;
  /** Valid requests in their order. */
  readonly asked: readonly Asked[];
  /** Requests that the API does not allow, with the reason. */
  readonly violations: readonly string[];
  /** How the server answers from now on. Default: every list is empty, watches say nothing. */
  misbehave(how: Misbehaviour): void;
  stop(): Promise<void>;
}

/** Path -> media type of a list and of a watch. */
const FULL = /^application\/json$/;
const METADATA_LIST = /^application\/json;as=PartialObjectMetadataList;g=meta\.k8s\.io;v=v1$/;
const METADATA = /^application\/json;as=PartialObjectMetadata;g=meta\.k8s\.io;v=v1$/;
const PATHS = new Set([
  '/api/v1/pods',
  '/api/v1/namespaces',
  '/api/v1/services',
  '/apis/discovery.k8s.io/v1/endpointslices',
]);
const PARAMETERS = new Set([
  'watch',
  'allowWatchBookmarks',
  'resourceVersion',
  'timeoutSeconds',
  'limit',
  'continue',
  'fieldSelector',
]);

/**
 * An API server that misbehaves as told. It refuses what the API forbids:
 * https://kubernetes.io/docs/reference/using-api/api-concepts/
 *
 * @param folder gets the kubeconfig and the certificate
 */
export async function startFakeKubernetes(folder: string): Promise<FakeKubernetes> {
  const asked: Asked[] = [];
  const violations: string[] = [];
  let how: Misbehaviour = () => false;
  const { key, cert } = makeAuthority(folder).sign('server', 'kubernetes');
  const tls = { key: readFileSync(key), cert: readFileSync(cert) };
  const server = await serve((request, response) => {
    const url = new URL(request.url ?? '', 'http://server');
    const query = url.searchParams;
    const one = { path: url.pathname, isWatch: query.get('watch') === '1', query };
    const violation = violationOf(request, one);
    if (violation !== undefined) {
      violations.push(violation);
      response.writeHead(400).end(JSON.stringify({ kind: 'Status', code: 400, message: violation }));
      return;
    }
    asked.push(one);
    if (how(one, response)) return;
    response.writeHead(200, { 'content-type': 'application/json' });
    if (one.isWatch) response.flushHeaders();
    else response.end(listOf([]));
  }, tls);
  const kubeconfig = `${folder}/kubeconfig`;
  const config = {
    clusters: [{ name: 'c', cluster: { server: server.url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 't' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  return {
    kubeconfig,
    asked,
    violations,
    misbehave: (next) => {
      how = next;
    },
    stop: () => server.stop(),
  };
}

function violationOf({ method, headers }: IncomingMessage, { path, isWatch, query }: Asked): string | undefined {
  const accept = headers.accept ?? '';
  if (method !== 'GET') return `method ${method}`;
  if (!PATHS.has(path)) return `no path ${path}`;
  if (headers.authorization !== 'Bearer t') return 'no token';
  if (!FULL.test(accept) && !(isWatch ? METADATA : METADATA_LIST).test(accept)) return `cannot answer in ${accept}`;
  for (const name of query.keys()) if (!PARAMETERS.has(name)) return `unknown parameter ${name}`;
  if (query.has('continue') && query.has('resourceVersion')) return 'resourceVersion is forbidden with continue';
  if (isWatch && (query.has('limit') || query.has('continue'))) return 'limit and continue are for lists';
  if (isWatch && !/^[1-9]\d*$/.test(query.get('timeoutSeconds') ?? '1')) return 'timeoutSeconds is not a number';
  if (!/^[1-9]\d*$/.test(query.get('limit') ?? '1')) return 'limit is not a number';
  return undefined;
}

/** A list of objects, with a token for the next page if there is one. */
export function listOf(items: readonly object[], next = ''): string {
  return JSON.stringify({ kind: 'List', metadata: { resourceVersion: '7', continue: next }, items });
}

/** A pod of the node `node`, as a whole object. */
export function podOf(name: string, annotations: Readonly<Record<string, string>>, resourceVersion = '8'): object {
  return {
    metadata: { namespace: 'shop', name, uid: `uid-${name}`, resourceVersion, annotations },
    spec: { nodeName: 'node', containers: [{ name: 'main' }] },
    status: { phase: 'Running', podIP: '10.0.0.9', podIPs: [{ ip: '10.0.0.9' }], qosClass: 'BestEffort' },
  };
}

/** An event of a watch. */
export function eventOf(type: 'ADDED' | 'MODIFIED', object: object): string {
  return `${JSON.stringify({ type, object })}\n`;
}
