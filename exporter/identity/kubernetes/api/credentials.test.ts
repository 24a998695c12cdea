import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../../daemon/config-file.ts';
import { TestFolder } from '../../../testdata/test-folder.ts';
import { inCluster } from './credentials.ts';

const folder = new TestFolder();

describe('inCluster', () => {
  it.each([
    [{ KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '6443' }, 'https://10.96.0.1:6443'],
    [{ KUBERNETES_SERVICE_HOST: 'fd00:96::1' }, 'https://[fd00:96::1]:443'],
  ])('finds the server by %o', (environment, server) =>
    expect(inCluster(environment, folder.path).server).toBe(server),
  );

  it('throws ConfigError outside of a pod', () => expect(() => inCluster({}, folder.path)).toThrow(ConfigError));

  it('reads the token for each request, and the CA certificate when it changes', async () => {
    const credentials = inCluster({ KUBERNETES_SERVICE_HOST: '10.96.0.1' }, folder.path);
    folder.write('ca.crt', 'one');
    folder.write('token', 'first\n');
    const first = await credentials.forRequest();
    expect(first.headers).toEqual({ authorization: 'Bearer first' });
    folder.write('token', 'second\n');
    const second = await credentials.forRequest();
    expect(second.headers).toEqual({ authorization: 'Bearer second' });
    expect(second.agent).toBe(first.agent);
    folder.write('ca.crt', 'two');
    expect((await credentials.forRequest()).agent).not.toBe(first.agent);
  });

  it('rejects while the files do not exist', async () => {
    const credentials = inCluster({ KUBERNETES_SERVICE_HOST: '10.96.0.1' }, join(folder.path, 'absent'));
    await expect(credentials.forRequest()).rejects.toThrow('ENOENT');
  });
});
