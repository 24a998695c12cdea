import { afterAll, beforeAll, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../native/index.ts';
import { edgesOf, grpcOf, lostOf, responsesOf } from './bpf/rows.ts';
import { withSandbox } from './sandbox/sandbox.ts';

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
    const before = lostEvents();
    await sandbox.run(cgroup, 'http2.mjs', traffic);
    const seen = responsesOf(bpf, cgroup.id, 'client');
    const codes = grpcOf(bpf, cgroup.id, 'client');
    expect([responsesOf(bpf, cgroup.id, 'server'), grpcOf(bpf, cgroup.id, 'server')]).toEqual([seen, codes]);
    const [edge] = edgesOf(bpf, cgroup.id);
    return {
      responses: seen,
      codes,
      edge: edge?.responses,
      lost: lostEvents().map((count, index) => count - (before[index] ?? 0)),
    };
  });

const lostEvents = (): number[] => ['http_responses', 'grpc_responses', 'streams'].map((map) => lostOf(bpf, map));

const NOTHING = [0, 0, 0];
/** Final responses, and those that failed. */
const edgeOf = ([, ...final]: readonly number[]): number[] => [final.reduce((sum, n) => sum + n, 0), final.at(-1) ?? 0];

/** More statuses than the programs remember, in all classes: those without a static index come from the table. */
const STATUSES = [200, 201, 204, 302, 304, 400, 404, 409, 429, 500, 503];

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
  expect(await answersOf(traffic)).toEqual({ responses, codes: undefined, edge: edgeOf(responses), lost: NOTHING });
});

test.each([
  { name: 'in trailers', more: {} },
  { name: 'in trailers, many at a time', more: { parallel: 20, bodyBytes: 3000 } },
  { name: 'in a response that has only trailers', more: { trailersOnly: true } },
])('responses of gRPC are counted by code: $name', async ({ more }) => {
  const traffic = { count: 60, grpc: [0, 5, 0, 14, 16, 13], ...more };
  expect(await answersOf(traffic)).toEqual({
    responses: [0, 60, 0, 0, 0],
    codes: { 0: 20, 5: 10, 13: 10, 14: 10, 16: 10 },
    edge: [60, 20],
    lost: NOTHING,
  });
});

test('trailers without a status of gRPC are not counted', async () => {
  expect((await answersOf({ count: 5, statuses: [200] })).codes).toBeUndefined();
});

test('after a header block that is too large to be read, its entries are lost, not guessed', async () => {
  const traffic = { count: 3, statuses: [503], headers: { 'x-large': 'y'.repeat(20_000) } };
  // Both ends read the first status, which is a literal, and lose the others, which refer to it.
  expect(await answersOf(traffic)).toMatchObject({ responses: [0, 0, 0, 0, 1], lost: [4, 0, 0] });
});

test('of more statuses than the programs remember, the others are lost, not guessed', async () => {
  const traffic = { count: STATUSES.length * 4, statuses: STATUSES };
  const { responses = [], lost } = await answersOf(traffic);
  const sum = responses.reduce((all, count) => all + count, 0);
  // Lost at both ends.
  expect(sum + (lost[0] ?? 0) / 2).toBe(traffic.count);
  expect(
    responses.every(
      (count, index) => count <= 4 * STATUSES.filter((status) => Math.floor(status / 100) === index + 1).length,
    ),
  ).toBe(true);
});
