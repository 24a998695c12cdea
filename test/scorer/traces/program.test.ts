import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { hashSync } from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../scripts/free-port.ts';
import { otlpSpan, protobufRequest } from '../../../scorer/traces/otlp/requests.testdata.ts';
import { until } from '../../until.ts';
import { post, PROTOBUF_HEADERS } from './receiver-bed.ts';

const PROGRAM = resolve('dist/lorikeet-scorer.js');
const folder = mkdtempSync(join(tmpdir(), 'lorikeet-traces-program-'));
const authorization = `Basic ${Buffer.from('otel:secret').toString('base64')}`;
const log: string[] = [];
let scorer: ChildProcess;
let pages: string;
let traces: string;

const config = (section: string) => `prometheus: { url: 'http://127.0.0.1:9' }
remote_write: { url: 'http://127.0.0.1:9/api/v1/write' }
${section}
`;
const series = async (name: string) => {
  const text = await (await fetch(`${pages}/metrics`, { headers: { authorization } })).text();
  return text
    .split('\n')
    .find((line) => line.startsWith(`${name} `))
    ?.slice(name.length + 1);
};
const send = (spanId: string) =>
  post(
    `${traces}/v1/traces`,
    protobufRequest([{ resource: { 'service.name': 'cart' }, spans: [otlpSpan({ spanId, parentSpanId: '' })] }]),
    { ...PROTOBUF_HEADERS, authorization },
  );

describe('lorikeet-scorer with traces', () => {
  beforeAll(async () => {
    const [page, otlp] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    [pages, traces] = [`http://${page}`, `http://${otlp}`];
    writeFileSync(
      join(folder, 'scorer.yaml'),
      config(`traces: { listen_address: '${otlp}', wait: 300ms, service_graph: true }`),
    );
    writeFileSync(join(folder, 'web.yaml'), `basic_auth_users: { otel: ${hashSync('secret', 4)} }\n`);
    const flags = [`--web.listen-address=${page}`, '--web.config.file=web.yaml', '--web.enable-lifecycle'];
    scorer = spawn(process.execPath, [PROGRAM, 'run', ...flags], { cwd: folder, stdio: ['ignore', 'inherit', 'pipe'] });
    createInterface(scorer.stderr!).on('line', (line) => log.push(line));
    await until('the scorer to listen', () => log.some((line) => line.includes('msg=listening')), {
      timeoutMs: 20_000,
      seen: () => log.join('\n'),
    });
  });
  afterAll(() => {
    scorer.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  it('takes spans on a port of its own, with the password of the web configuration', async () => {
    expect((await post(`${traces}/v1/traces`, new Uint8Array(), PROTOBUF_HEADERS)).status).toBe(401);
    expect((await send('aaaaaaaaaaaaaaaa')).status).toBe(200);
    await until(
      'the trace',
      async () => (await series('lorikeet_scorer_traces_completed_total{complete="true"}')) === '1',
    );
    const text = await (await fetch(`${pages}/metrics`, { headers: { authorization } })).text();
    expect(text).toContain(
      'traces_service_graph_request_total{client="user",server="cart",connection_type="virtual_node"',
    );
    expect((await fetch(`${pages}/v1/traces`, { method: 'POST', headers: { authorization } })).status).toBe(404);
  });

  it('goes on after a reload', async () => {
    expect((await fetch(`${pages}/-/reload`, { method: 'POST', headers: { authorization } })).status).toBe(200);
    await until('the reload', () => log.some((line) => line.includes('configuration reloaded')), {
      seen: () => log.join('\n'),
    });
    expect((await send('bbbbbbbbbbbbbbbb')).status).toBe(200);
  });

  it('does not share its port with the pages', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    writeFileSync(join(folder, 'same.yaml'), config(`traces: { listen_address: '${address}' }`));
    const flags = ['--config.file=same.yaml', `--web.listen-address=${address}`];
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, 'run', ...flags], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([1, expect.stringContaining(`listen ${address}: `)]);
  });

  it.each([
    ['{}', 'traces.listen_address: missing'],
    ['{ listen_address: x }', 'traces.listen_address: expected [host]:port such as :4318, got "x"'],
    ["{ listen_address: ':4318', wait: soon }", 'traces.wait: expected a duration'],
    ["{ listen_address: ':4318', max_body: 0 }", 'traces.max_body: expected a number of 1 or more'],
    ["{ listen_address: ':4318', grpc: true }", 'traces.grpc: unknown key'],
  ])('refuses traces: %s', (section, message) => {
    writeFileSync(join(folder, 'wrong.yaml'), config(`traces: ${section}`));
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, 'run', '--config.file=wrong.yaml'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([2, expect.stringContaining(`wrong.yaml: ${message}`)]);
  });
});
