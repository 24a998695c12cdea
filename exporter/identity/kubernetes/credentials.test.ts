import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../../daemon/config-file.ts';
import { inCluster } from './credentials.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-credentials-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe('inCluster', () => {
  it.each([
    [{ KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '6443' }, 'https://10.96.0.1:6443'],
    [{ KUBERNETES_SERVICE_HOST: 'fd00:96::1' }, 'https://[fd00:96::1]:443'],
  ])('finds the server by %o', (environment, server) => expect(inCluster(environment, folder).server).toBe(server));

  it('is a mistake outside of a pod', () => expect(() => inCluster({}, folder)).toThrow(ConfigError));

  it('reads the token anew for each request, and the authority’s certificate when that changes', async () => {
    const credentials = inCluster({ KUBERNETES_SERVICE_HOST: '10.96.0.1' }, folder);
    write('ca.crt', 'one');
    write('token', 'first\n');
    const first = await credentials.forRequest();
    expect(first.headers).toEqual({ authorization: 'Bearer first' });
    write('token', 'second\n');
    const second = await credentials.forRequest();
    expect(second.headers).toEqual({ authorization: 'Bearer second' });
    expect(second.agent).toBe(first.agent);
    write('ca.crt', 'two');
    expect((await credentials.forRequest()).agent).not.toBe(first.agent);
  });

  it('rejects while the files are absent', async () => {
    const credentials = inCluster({ KUBERNETES_SERVICE_HOST: '10.96.0.1' }, join(folder, 'absent'));
    await expect(credentials.forRequest()).rejects.toThrow('ENOENT');
  });
});
