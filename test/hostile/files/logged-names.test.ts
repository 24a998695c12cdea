import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Bench, LONELY_SCORER } from '../bench.ts';
import { keeps, record } from '../table/keeps.ts';

/** Colours, a control of eight bits, a new line, an override of the direction of text. */
const HOSTILE = 'shop\u001b[31m\u009b2J\n\u2028\u202e';
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

const bench = new Bench();
/** Answers each query with an error that is hostile and as long as errors are read, whatever is asked. */
const prometheus = createServer((_request, response) => {
  response.writeHead(422, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ status: 'error', errorType: HOSTILE, error: `${HOSTILE}${'x'.repeat(60_000)}` }));
});
beforeAll(() => once(prometheus.listen(0, '127.0.0.1'), 'listening'));
afterAll(() => {
  prometheus.close();
  bench.remove();
});

describe.each(['logfmt', 'json'])('in the format %s', keeps('logged_names'), (format) => {
  test('control characters in the path of a file are escaped, and no line is longer than a page', async () => {
    const targets = bench.write(`${HOSTILE}/targets.yaml`, 'targets: []\n');
    const exporter = bench.run('exporter', [
      `--log.format=${format}`,
      `--targets.file=${targets}`,
      `--path.cgroupfs=/${HOSTILE}`,
      '--web.listen-address=127.0.0.1:0',
    ]);
    expect(exporter.status).not.toBe(0);
    expect(
      exporter.stderr
        .trimEnd()
        .split('\n')
        .filter((line) => INVISIBLE.test(line)),
    ).toEqual([]);
    expect(exporter.stderr).toContain('shop\\u001b[31m\\u009b2J');
  });

  test("control characters and 60 KB of a server's error are escaped and cut", async () => {
    const { port } = prometheus.address() as AddressInfo;
    const config = LONELY_SCORER.replace('http://127.0.0.1:1', `http://127.0.0.1:${port}`);
    const path = bench.write(`${format}.yaml`, `${config}interval: 1s\ndelay: 100ms\n`);
    const args = [`--config.file=${path}`, `--log.format=${format}`, '--log.level=debug'];
    // The formats differ in how the address is written.
    const scorer = bench.launch('scorer', args);
    await vi.waitFor(() => expect(scorer.log.some((line) => line.includes('shop'))).toBe(true), 20_000);
    await scorer.stop();
    expect(scorer.log.filter((line) => INVISIBLE.test(line))).toEqual([]);
    expect(scorer.log.some((line) => line.includes('shop\\u001b[31m'))).toBe(true);
    const longest = Math.max(...scorer.log.map(({ length }) => length));
    record({ longest_line: longest });
    expect(longest).toBeLessThan(6000);
  });
});

test.each([
  ['a key of a configuration', '"\\e[31m": 1\n'],
  ['a value of a configuration', LONELY_SCORER.replace('metrics', '"\\e[31m\\x9b\\u202e"')],
  ['a key of 200 KB', `${'k'.repeat(200_000)}: 1\n`],
  ['a value of 200 KB', LONELY_SCORER.replace('metrics', 'x'.repeat(200_000))],
  [
    'a thousand unknown keys',
    Array.from({ length: 1000 }, (_, at) => `key_${'k'.repeat(at % 50)}_${at}: 1\n`).join(''),
  ],
])('what is said about %s is short and has no control character', keeps('logged_names'), (_what, text) => {
  const path = bench.write('hostile.yaml', text);
  const { status, stderr } = bench.run('scorer', ['run', '--config.check', `--config.file=${path}`]);
  expect(status).toBe(2);
  expect(stderr.length).toBeLessThan(2048);
  expect(stderr.split('\n').filter((line) => INVISIBLE.test(line))).toEqual([]);
});

test('control characters on the command line are escaped', keeps('logged_names'), () => {
  for (const args of [
    [HOSTILE],
    [`--${HOSTILE}`],
    ['run', `--log.level=${HOSTILE}`],
    ['run', `--config.file=${HOSTILE}`],
  ]) {
    const { status, stderr } = bench.run('scorer', args);
    expect(status).toBe(2);
    expect(stderr.trimEnd().replaceAll('\n', '').match(INVISIBLE)).toBeNull();
  }
});
