import { afterAll, beforeAll, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../../native/index.ts';
import { edgesOf, grpcOf, responsesOf, unattributedOf } from '../bpf/rows.ts';
import { withSandbox } from '../sandbox/sandbox.ts';

let bpf: BpfObject;

beforeAll(() => {
  bpf = BpfObject.open(defaultObjectPath(), { constants: { track_http_status: 1 } });
  for (const program of bpf.programs) bpf.attach(program);
});
afterAll(() => bpf?.close());

/** The counts of both ends, which must be the same. */
const answersOf = (traffic: object) =>
  withSandbox(async (sandbox) => {
    const { cgroup } = sandbox;
    const before = unattributedOf(bpf, 'http_status');
    await sandbox.run(cgroup, 'http2.mjs', traffic);
    const seen = responsesOf(bpf, cgroup.id, 'client');
    const codes = grpcOf(bpf, cgroup.id, 'client');
    expect([responsesOf(bpf, cgroup.id, 'server'), grpcOf(bpf, cgroup.id, 'server')]).toEqual([seen, codes]);
    const [edge] = edgesOf(bpf, cgroup.id);
    return {
      responses: seen,
      codes,
      edge: edge?.responses,
      // Other programs of this machine may have some as well.
      unreadable: unattributedOf(bpf, 'http_status') - before,
    };
  });

/** Final responses, and those that failed. */
const edgeOf = ([, ...final]: readonly number[]): number[] => [final.reduce((sum, n) => sum + n, 0), final.at(-1) ?? 0];

test.each([
  { name: 'a few', traffic: { count: 30, statuses: [200, 404, 503] }, responses: [0, 10, 0, 10, 10] },
  {
    name: 'many',
    traffic: { count: 44, statuses: [200, 201, 302, 404, 409, 429, 503, 504, 200, 400, 500] },
    responses: [0, 12, 4, 16, 12],
  },
  {
    name: 'in parallel',
    traffic: { count: 300, parallel: 50, statuses: [503, 404, 201] },
    responses: [0, 100, 0, 100, 100],
  },
  {
    name: 'beside interim ones',
    traffic: { count: 6, statuses: [200, 503], early: true },
    responses: [6, 3, 0, 0, 3],
  },
  {
    name: 'without a table',
    traffic: { count: 6, statuses: [302, 503], tableSize: 0 },
    responses: [0, 0, 3, 0, 3],
  },
  {
    name: 'with a table that holds one or two of them',
    traffic: { count: 60, statuses: [302, 503, 201], tableSize: 100, headers: { 'x-filler': 'a' } },
    responses: [0, 20, 20, 0, 20],
  },
])('responses of HTTP/2 are counted by class: $name', async ({ traffic, responses }) => {
  expect(await answersOf(traffic)).toMatchObject({ responses, codes: undefined, edge: edgeOf(responses) });
});

test.each([
  { name: 'in trailers', more: {} },
  { name: 'in trailers, many at a time', more: { parallel: 20, bodyBytes: 3000 } },
  { name: 'in a response that has only trailers', more: { trailersOnly: true } },
])('responses of gRPC are counted by code: $name', async ({ more }) => {
  const traffic = { count: 60, grpc: [0, 5, 0, 14, 16, 13], ...more };
  expect(await answersOf(traffic)).toMatchObject({
    responses: [0, 60, 0, 0, 0],
    codes: { 0: 20, 5: 10, 13: 10, 14: 10, 16: 10 },
    edge: [60, 20],
  });
});

test('trailers without a status of gRPC are not counted', async () => {
  expect((await answersOf({ count: 5, statuses: [200] })).codes).toBeUndefined();
});

test('after a header block that is too large to be read, its entries are unreadable, not guessed', async () => {
  const traffic = { count: 3, statuses: [503], headers: { 'x-large': 'y'.repeat(20_000) } };
  const { responses, unreadable } = await answersOf(traffic);
  // Both ends read the first status, which is a literal, but not the others, which refer to it.
  expect(responses).toEqual([0, 0, 0, 0, 1]);
  expect(unreadable).toBeGreaterThanOrEqual(2 * 2);
});

test('of more statuses than the programs remember, the earlier ones are unreadable, not guessed', async () => {
  // Of 14 that the static table does not have, the last eight are remembered.
  const statuses = [201, 202, 203, 207, 301, 302, 303, 307, 308, 401, 403, 405, 409, 503];
  const { responses, unreadable } = await answersOf({ count: 4 * 14, statuses });
  expect(responses).toEqual([0, 4, 5 + 3 * 3, 4 + 3 * 4, 1 + 3]);
  expect(unreadable).toBeGreaterThanOrEqual(2 * 3 * 6);
});
