import { hashSync } from 'bcryptjs';
import { describe, expect, it } from 'vitest';
import { BCRYPT_HASH, Passwords } from './passwords.ts';

const users = new Map([
  ['alice', hashSync('wonder', 4)],
  ['bob', hashSync('builder', 4)],
]);

describe('Passwords', () => {
  it.each([
    ['alice', 'wonder', 'ACCEPTED'],
    ['bob', 'builder', 'ACCEPTED'],
    ['alice', 'builder', 'REFUSED'],
    ['alice', '', 'REFUSED'],
    ['Alice', 'wonder', 'REFUSED'],
    ['mallory', 'wonder', 'REFUSED'],
    ['', '', 'REFUSED'],
    ['__proto__', 'wonder', 'REFUSED'],
  ])('%s with %s is %s, the second time as well', async (user, password, verdict) => {
    const passwords = new Passwords();
    expect(await passwords.check(users, user, password)).toBe(verdict);
    expect(await passwords.check(users, user, password)).toBe(verdict);
  });

  it.each([
    // From Prometheus' guide on basic auth, by Python's bcrypt.
    ['$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay', 'test'],
    // From exporter-toolkit's test data, by htpasswd -B.
    ['$2y$10$qRTBuFoULoYNA7AQ/F3ck.trZBPyjV64.oA4ZsSBCIWvXuvQlQTuu', 'carol123'],
  ])('accepts the hash of another program, %s', async (hash, password) => {
    expect(hash).toMatch(BCRYPT_HASH);
    expect(await new Passwords().check(new Map([['user', hash]]), 'user', password)).toBe('ACCEPTED');
  });

  it('compares again when the hash changes', async () => {
    const passwords = new Passwords();
    expect(await passwords.check(users, 'alice', 'wonder')).toBe('ACCEPTED');
    const changed = new Map([['alice', hashSync('through', 4)]]);
    expect(await passwords.check(changed, 'alice', 'wonder')).toBe('REFUSED');
    expect(await passwords.check(changed, 'alice', 'through')).toBe('ACCEPTED');
    expect(await passwords.check(new Map([['bob', hashSync('x', 4)]]), 'alice', 'wonder')).toBe('REFUSED');
  });

  it('answers BUSY beyond a few passwords at a time, and recovers', async () => {
    const passwords = new Passwords();
    const guesses = Array.from({ length: 40 }, (_, index) => passwords.check(users, 'alice', `guess ${index}`));
    const verdicts = await Promise.all(guesses);
    expect(verdicts.filter((verdict) => verdict === 'BUSY')).toHaveLength(8);
    expect(verdicts.filter((verdict) => verdict === 'REFUSED')).toHaveLength(32);
    expect(await passwords.check(users, 'alice', 'wonder')).toBe('ACCEPTED');
  });

  it('compares the same password only once at a time', async () => {
    const passwords = new Passwords();
    const scrapes = Array.from({ length: 40 }, () => passwords.check(users, 'alice', 'wonder'));
    expect(new Set(await Promise.all(scrapes))).toEqual(new Set(['ACCEPTED']));
  });

  it('compares a password of another source soon, however many one source guesses', async () => {
    const passwords = new Passwords();
    const order: string[] = [];
    const check = async (source: string, password: string) => {
      const verdict = await passwords.check(users, 'alice', password, { source, hasLeft: () => false });
      order.push(`${source} ${verdict}`);
    };
    const guesses = Array.from({ length: 60 }, (_, index) => check('10.0.0.66', `guess ${index}`));
    await Promise.all([...guesses, check('10.0.0.7', 'wonder')]);
    const compared = order.filter((line) => !line.endsWith('BUSY'));
    expect(compared.indexOf('10.0.0.7 ACCEPTED')).toBeLessThan(3);
    expect(compared).toHaveLength(32);
  });

  it('compares nothing for clients that have left, unless another one waits for the same', async () => {
    const passwords = new Passwords();
    const gone = { source: 'a', hasLeft: () => true };
    const first = passwords.check(users, 'alice', 'first');
    const left = passwords.check(users, 'alice', 'wonder', gone);
    const both = [passwords.check(users, 'bob', 'builder', gone), passwords.check(users, 'bob', 'builder')];
    expect([await first, await left]).toEqual(['REFUSED', 'BUSY']);
    expect(await Promise.all(both)).toEqual(['ACCEPTED', 'ACCEPTED']);
    expect(await passwords.check(users, 'alice', 'wonder')).toBe('ACCEPTED');
  });
});
