import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange, type ExchangeOptions } from '../../daemon/http-server/testdata/web-server.ts';
import { freePort } from '../../scripts/free-port.ts';
import { RunningProgram, shipped } from '../running-program.ts';
import { until } from '../until.ts';

const CONFIG = `prometheus: { url: 'http://127.0.0.1:9' }
remote_write: { url: 'http://127.0.0.1:9/api/v1/write' }
`;
const PASSWORD = `Basic ${Buffer.from('prometheus:secret').toString('base64')}`;
const folder = mkdtempSync(join(tmpdir(), 'lorikeet-scorer-web-'));
let scorer: RunningProgram;

const logged = (message: string) => scorer.logged(`msg=${message}`);
const ask = (path: string, options: ExchangeOptions = {}) =>
  exchange(scorer.url + path, { ...options, headers: { authorization: PASSWORD, ...options.headers } });
const reloaded = async () =>
  /^lorikeet_scorer_config_last_reload_successful (\d)$/m.exec((await ask('/metrics')).body.toString())?.[1];

describe('the pages of lorikeet-scorer', () => {
  beforeAll(async () => {
    writeFileSync(join(folder, 'scorer.yaml'), CONFIG);
    writeFileSync(join(folder, 'web.yaml'), `basic_auth_users: { prometheus: ${hashSync('secret', 4)} }\n`);
    const address = `127.0.0.1:${await freePort()}`;
    const flags = [`--web.listen-address=${address}`, '--web.config.file=web.yaml', '--web.enable-lifecycle'];
    scorer = await RunningProgram.start(shipped('scorer', 'run', ...flags), { cwd: folder });
  });
  afterAll(async () => {
    await scorer?.kill();
    rmSync(folder, { recursive: true });
  });

  // The other common pages: daemon/http-server/common-pages.test.ts.
  it.each([
    ['GET', '/', 200, undefined],
    ['GET', '/metrics', 200, undefined],
    ['GET', '/-/ready', 503, undefined],
    ['GET', '/tensors', 200, undefined],
    ['HEAD', '/tensors/', 200, undefined],
    ['GET', '/tensors/shop/cart.png', 404, undefined],
    ['GET', '/TENSORS', 404, undefined],
    ['POST', '/tensors', 405, 'GET, HEAD'],
    ['OPTIONS', '/tensors/shop/cart.png', 405, 'GET, HEAD'],
    ['DELETE', '/tensors/shop', 405, 'GET, HEAD'],
  ])('%s %s -> %i, allowing %s; nothing without a password', async (method, path, status, allowed) => {
    const { headers, body, ...answer } = await ask(path, { method });
    expect([answer.status, headers.allow, headers['x-powered-by']]).toEqual([status, allowed, undefined]);
    if (method === 'HEAD') expect(body.length).toBe(0);
    expect((await exchange(scorer.url + path, { method })).status).toBe(401);
  });

  it('reloads by POST and by SIGHUP, and reports an invalid file', async () => {
    writeFileSync(join(folder, 'scorer.yaml'), `${CONFIG}intervall: 1m\n`);
    const refused = await ask('/-/reload', { method: 'POST' });
    expect([refused.status, refused.body.toString()]).toEqual([
      500,
      'Reload failed: scorer.yaml: intervall: unknown key\n',
    ]);
    expect(await reloaded()).toBe('0');
    writeFileSync(join(folder, 'scorer.yaml'), CONFIG);
    expect((await ask('/-/reload', { method: 'POST' })).status).toBe(200);
    await until('the scorer to be swapped', () => logged('"configuration reloaded"') === 1);
    expect(await reloaded()).toBe('1');
    scorer.signal('SIGHUP');
    await until('the scorer to be swapped again', () => logged('"configuration reloaded"') === 2);
    expect((await ask('/-/healthy')).status).toBe(200);
  });

  it('ends with status 0 on SIGTERM', async () => {
    await scorer.stop();
    // An examination that ends at that moment may log its result after it.
    expect(logged('stopping reason=SIGTERM')).toBe(1);
  });
});
