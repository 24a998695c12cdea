import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TestFolder } from '../../../testdata/test-folder.ts';
import { fromKubeconfig } from './kubeconfig.ts';

const folder = new TestFolder();

describe('fromKubeconfig', () => {
  const kubeconfig = (user: object) =>
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server: 'https://192.0.2.1:6443', 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    });

  it.each([
    ['a token', { token: 'abc' }, { headers: { Authorization: 'Bearer abc' } }],
    ['a password', { username: 'u', password: 'p' }, { auth: 'u:p' }],
  ])('takes %s', async (_name, user, expected) => {
    const credentials = fromKubeconfig(folder.write('kubeconfig', kubeconfig(user)));
    expect(credentials.server).toBe('https://192.0.2.1:6443');
    expect(await credentials.forRequest()).toMatchObject(expected);
  });

  it.each([
    ['no file', () => join(folder.path, 'none'), 'none: no such file'],
    ['what is not YAML', () => folder.write('broken', 'token: hunter2: x'), /^not valid YAML: [^h]*\(1:15\)$/],
    ['no kubeconfig', () => folder.write('other', '[]'), 'expected a current context'],
    [
      'no context',
      () => folder.write('empty', '{clusters: [], users: [], contexts: []}'),
      'expected a current context',
    ],
  ])('refuses %s', (_name, file, message) => expect(() => fromKubeconfig(file())).toThrow(message));
});
