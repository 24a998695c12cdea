import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { unreachableRemedy } from './remedies.ts';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-remedies-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function remedyOf(settings: object): Promise<string> {
  const http = createHttpClient(httpClientSchema.parse(settings), { timeoutMs: 2000 });
  try {
    await http.request({ method: 'GET', url: 'http://127.0.0.1:9/' });
  } catch (error) {
    return unreachableRemedy(error, 'prometheus');
  } finally {
    await http.close();
  }
  return '';
}

describe('the remedy for a request without a response', () => {
  const oauth2 = { client_id: 'a', client_secret: 'b', token_url: 'http://127.0.0.1:9/token' };
  it.each([
    [{ basic_auth: { username: 'a', password_file: join(folder, 'gone') } }, 'make the file readable'],
    [{ http_headers: { 'X-A': { files: [join(folder, 'gone')] } } }, 'make the file readable'],
    [{ tls_config: { ca_file: join(folder, 'gone') } }, 'make the file readable'],
    [{ oauth2 }, 'the server that issues tokens'],
    [{}, 'start the server, or correct host and port in prometheus.url'],
  ])('%j', async (settings, remedy) => {
    expect(await remedyOf(settings)).toContain(remedy);
  });
});
