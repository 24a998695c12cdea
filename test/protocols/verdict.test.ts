import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { replaceBlock } from '../document-block.ts';
import type { Case, Truth } from './case.ts';
import { markdownTable } from './table.ts';
import { isExpected, judge, type Row } from './verdict.ts';
import type { Reported, Snapshot } from './series.ts';

const BOUNDS = [0.001, 0.01, 0.1, 1, Infinity];

/** A report of requests with these durations in milliseconds. */
function reported(...durationsMs: readonly number[]): Reported {
  const upTo = (bound: number) => durationsMs.filter((ms) => ms <= bound * 1000).length;
  return {
    requests: durationsMs.length,
    sumSeconds: durationsMs.reduce((sum, ms) => sum + ms, 0) / 1000,
    buckets: BOUNDS.map((bound) => [bound, upTo(bound)]),
    connections: 1,
    sentBytes: 10,
    receivedBytes: 20,
  };
}

function verdict(
  truth: Partial<Truth>,
  client: Reported,
  more: Partial<Snapshot> = {},
  subject: Partial<Case> = {},
): Row {
  const whole = { requests: 3, durationsMs: [52, 52, 52], ...truth };
  const common = { edgeRequests: client.requests, unanswered: 0, protocols: [], said: {}, responses: {} };
  const unused = { serve: () => Promise.resolve(), ask: () => Promise.resolve(whole) };
  return judge({ name: 'a test', protocol: 'none', expected: 'exact', workMs: 50, ...unused, ...subject }, whole, {
    client,
    server: client,
    ...common,
    ...more,
  });
}

const RIGHT = reported(51, 51, 51);

test('equal counts and durations without idle time are exact', () => {
  expect(verdict({}, RIGHT)).toMatchObject({ verdict: 'exact', faults: [] });
  expect(verdict({ sentBytes: 10, receivedBytes: 20, connections: 1 }, RIGHT).faults).toEqual([]);
});

test('missing requests that are counted as lost are said, if the others are exact', () => {
  const lost = (count: number): Partial<Snapshot> => ({ said: { lorikeet_exporter_lost_events_total: count } });
  expect(verdict({}, reported(51), lost(4))).toMatchObject({ verdict: 'counted', faults: [] });
  expect(verdict({}, reported(51), lost(3)).verdict).toBe('wrong');
  expect(verdict({}, reported(900), lost(4)).verdict).toBe('wrong');
  expect(verdict({}, reported(51, 51, 51, 51), lost(4)).verdict).toBe('wrong');
});

test.each<readonly [string, Partial<Truth>, Reported, Partial<Snapshot>]>([
  ['mean too long', {}, reported(51, 51, 900), {}],
  ['1 above 60 ms', {}, reported(20, 20, 101), {}],
  ['mean too short', {}, reported(1, 1, 1), {}],
  ['1 below the 50 ms of work', {}, reported(0.5, 60, 60), {}],
  ['client: 4 requests', {}, reported(51, 51, 51, 51), {}],
  ['edge: 2 requests', {}, RIGHT, { edgeRequests: 2 }],
  ['server: 0 requests', {}, RIGHT, { server: reported() }],
  ['1 unanswered instead of 0', {}, RIGHT, { unanswered: 1 }],
  ['client: 1 connections instead of 2', { connections: 2 }, RIGHT, {}],
  ['client: 10 bytes sent instead of 11', { sentBytes: 11 }, RIGHT, {}],
  ['responses: 3 2xx', { responses: { '5xx': 3 } }, RIGHT, { responses: { '2xx': 3, '5xx': 0 } }],
])('%s is wrong', (fault, truth, client, more) => {
  const row = verdict(truth, client, more);
  expect(row.verdict).toBe('wrong');
  expect(row.faults.join('; ')).toContain(fault);
});

test('a login may count as a request, and makes the mean shorter', () => {
  expect(verdict({ handshakes: 1 }, reported(1, 51, 51, 51)).verdict).toBe('exact');
  expect(verdict({ handshakes: 1 }, reported(1, 1, 51, 51)).verdict).toBe('wrong');
});

test('what is absent must be said', () => {
  expect(verdict({}, reported())).toMatchObject({ verdict: 'wrong', faults: ['absent, but not said'] });
  expect(verdict({}, reported(), { protocols: ['amqp'] }).verdict).toBe('absent');
  expect(verdict({}, reported(), { protocols: ['unknown'] }).verdict).toBe('wrong');
  expect(verdict({}, reported(), { said: { lorikeet_messages_total: 3 } }).verdict).toBe('absent');
  expect(verdict({ requests: 0, durationsMs: [] }, reported()).verdict).toBe('exact');
});

test('a case may expect one verdict or the other', () => {
  const absent = (expected: Case['expected']) =>
    isExpected(verdict({}, reported(), { protocols: ['amqp'] }, { expected }));
  expect(['exact', 'absent', 'exact or absent'].map((expected) => absent(expected as Case['expected']))).toEqual([
    false,
    true,
    true,
  ]);
  expect(isExpected(verdict({}, reported()))).toBe(false);
});

test('the table replaces the block of a document', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-table-'));
  try {
    const path = join(folder, 'requests.md');
    writeFileSync(path, 'Before\n<!-- protocols: begin -->\nold\n<!-- protocols: end -->\nAfter\n');
    const skipped = [{ name: 'a call', protocol: 'Kafka', reason: 'no Kafka' }];
    const rows = [verdict({}, RIGHT), verdict({}, reported(51, 51, 900))];
    replaceBlock(path, 'protocols', markdownTable(rows, skipped));
    expect(readFileSync(path, 'utf8')).toMatchInlineSnapshot(`
      "Before
      <!-- protocols: begin -->

      | traffic | protocol | truth | client | server | unanswered | result |
      | --- | --- | --- | --- | --- | --- | --- |
      | a test | none | 3 × 52 ms | 3 × 51 ms | 3 × 51 ms | 0 | exact |
      | a test | none | 3 × 52 ms | 3 × 334 ms | 3 × 334 ms | 0 | **wrong**: client: mean too long; client: 1 above 60 ms; server: mean too long; server: 1 above 60 ms |
      | a call | Kafka |  |  |  |  | not run: no Kafka |

      <!-- protocols: end -->
      After
      "
    `);
    writeFileSync(path, 'no block');
    expect(() => replaceBlock(path, 'protocols', '')).toThrow('expected <!-- protocols: begin -->');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
