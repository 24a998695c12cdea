import type { Case } from '../case.ts';
import type { Stage } from '../lab.ts';
import { NGINX, pathOf, PYTHON_PACKAGES } from '../tools.ts';
import { ask, curl, PORT, serve } from './programs.ts';
import { serveNginx } from './nginx.ts';

const WORK_MS = 200;
const REQUESTS = 5;
const GOODBYE = 'the end of TLS counts as unanswered if the server closes first';

type Server = (stage: Stage, version: string, mutual?: boolean) => Promise<void>;

const NODE: Server = async (stage, version, mutual = false) => {
  const { key, cert } = stage.certificate;
  const tls = { key, cert, minVersion: version, maxVersion: version, requestCert: mutual, rejectUnauthorized: mutual };
  await serve(stage.server, 'web-server.mjs', { kind: 'https', workMs: WORK_MS, tls });
};
const PYTHON: Server = async (stage, version, mutual = false) => {
  const options = { workMs: WORK_MS, ...stage.certificate, version: version.replace('.', '_') };
  await serve(stage.server, 'https-server.py', { ...options, mutual });
};
const NGINX_SERVER: Server = async (stage, version) => {
  await serve(stage.backend, 'web-server.mjs', { kind: 'http', workMs: WORK_MS });
  await serveNginx(stage, pathOf(NGINX), { listen: 'ssl', lines: [`ssl_protocols ${version};`] });
};

type Client = (stage: Stage, options: Readonly<Record<string, unknown>>) => ReturnType<Case['ask']>;

const nodeClient: Client = (stage, { mutual, ...options }) => {
  const { key, cert } = stage.certificate;
  const tls = { ca: cert, ...(mutual === true && { key, cert }) };
  return ask(stage, 'web-client.mjs', { requests: REQUESTS, tls, ...options });
};
const pythonClient: Client = (stage, { mutual, ...options }) => {
  const { key, cert } = stage.certificate;
  return ask(stage, 'https-client.py', { requests: REQUESTS, cert, ...(mutual === true && { key }), ...options });
};
const httpxClient: Client = (stage, options) =>
  ask(
    stage,
    'https-client.py',
    { requests: REQUESTS, cert: stage.certificate.cert, library: 'httpx', ...options },
    pathOf(PYTHON_PACKAGES),
  );
const curlClient: Client = (stage) =>
  curl(stage, REQUESTS, '--insecure', '--http1.1', `https://${stage.server.address}:${PORT}/`);

interface Plan extends Partial<Case> {
  readonly name: string;
  readonly version?: string;
  readonly server: Server;
  readonly client: Client;
  readonly options?: Readonly<Record<string, unknown>>;
}

function tlsCase({ version = 'TLSv1.3', server, client, options = {}, ...plan }: Plan): Case {
  return {
    protocol: `HTTP/1.1 over ${version.replace('v', ' ')}`,
    always: true,
    expected: 'exact',
    workMs: WORK_MS,
    async serve(stage) {
      await server(stage, version, options['mutual'] === true);
    },
    ask(stage) {
      return client(stage, options);
    },
    ...plan,
  };
}

export const TLS: readonly Case[] = [
  tlsCase({ name: 'a new connection for each request, node and node', server: NODE, client: nodeClient }),
  tlsCase({
    name: 'a new connection for each request, curl and Python',
    known: GOODBYE,
    server: PYTHON,
    client: curlClient,
  }),
  tlsCase({ name: 'a new connection for each request, Python and Python', server: PYTHON, client: pythonClient }),
  tlsCase({
    name: 'a new connection for each request, httpx and nginx',
    server: NGINX_SERVER,
    client: httpxClient,
    always: false,
    needs: [NGINX, PYTHON_PACKAGES],
  }),
  tlsCase({
    name: 'a new connection for each request, curl and nginx',
    known: GOODBYE,
    server: NGINX_SERVER,
    client: curlClient,
    always: false,
    needs: [NGINX],
  }),
  tlsCase({
    name: 'kept alive, 0.5 s idle between requests, node and node',
    server: NODE,
    client: nodeClient,
    options: { kept: true, idleMs: 500 },
  }),
  tlsCase({
    name: 'kept alive, 0.5 s idle between requests, Python and Python',
    server: PYTHON,
    client: pythonClient,
    options: { kept: true, idleMs: 500 },
  }),
  tlsCase({
    name: 'a resumed session for each request, node and node',
    server: NODE,
    client: nodeClient,
    options: { resume: true },
  }),
  tlsCase({
    name: 'connected 0.5 s ahead of the request, node and Python',
    known: GOODBYE,
    server: PYTHON,
    client: nodeClient,
    options: { lateMs: 500, requests: 3 },
  }),
  tlsCase({
    name: 'certificates of both ends, Python and Python',
    server: PYTHON,
    client: pythonClient,
    options: { mutual: true },
  }),
  tlsCase({
    name: 'a new connection for each request, node and node',
    version: 'TLSv1.2',
    server: NODE,
    client: nodeClient,
  }),
  tlsCase({
    name: 'a new connection for each request, Python and Python',
    version: 'TLSv1.2',
    server: PYTHON,
    client: pythonClient,
  }),
  tlsCase({
    name: 'kept alive, 0.5 s idle between requests, node and node',
    version: 'TLSv1.2',
    server: NODE,
    client: nodeClient,
    options: { kept: true, idleMs: 500 },
  }),
];
