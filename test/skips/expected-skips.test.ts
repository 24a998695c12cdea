import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EXPECTED_SKIPS } from './expected-skips.ts';
import { isExpected } from './skipped-tests.ts';

test.each(EXPECTED_SKIPS.map(({ tests, reason, why }) => [tests, reason, why] as const))(
  'the tests of each entry exist: %s, %s',
  (tests, _, why) => {
    expect(existsSync(tests.split(' > ')[0] ?? '')).toBe(true);
    expect(why).not.toBe('');
  },
);

test.each([
  [true, 'iter/bpf_sk_storage_map: EPERM'],
  [true, 'fentry/tcp_sendmsg: EPERM'],
  // A hook that every build has, and an error with another cause.
  [false, 'iter/task_file: EPERM'],
  [false, 'iter/bpf_sk_storage_map: EINVAL'],
  [false, 'tp_btf/inet_sock_set_state: EPERM'],
])('a kernel may refuse the hook: %o, %s', (expected, refusal) => {
  const reason = `the kernel refuses ${refusal}`;
  expect(isExpected({ path: ['test/kernel/x.test.ts', 'x'], isSkipped: true, reason }, EXPECTED_SKIPS)).toBe(expected);
});
