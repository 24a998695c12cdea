import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromKubeconfig } from './kubeconfig.ts';

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
    const credentials = fromKubeconfig(write('kubeconfig', kubeconfig(user)));
    expect(credentials.server).toBe('https://192.0.2.1:6443');
    expect(await credentials.forRequest()).toMatchObject(expected);
  });

  it.each([
    ['no file', () => join(folder, 'none'), 'ENOENT'],
    ['no kubeconfig', () => write('other', '[]'), 'expected a current context'],
    ['no context', () => write('empty', '{clusters: [], users: [], contexts: []}'), 'expected a current context'],
  ])('refuses %s', (_name, file, message) => expect(() => fromKubeconfig(file())).toThrow(message));
});
