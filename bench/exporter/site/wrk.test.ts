import { expect, test } from 'vitest';
import { parseWrk } from './wrk.ts';

const SUMMARY = 'Running 2s test @ http://127.0.0.1:8080\n  193428 requests in 2.00s, 31.54MB read\n';

test('reads the rate from the output of wrk', () => {
  const output = `${SUMMARY}Requests/sec:  96665.07\nTransfer/sec:     15.76MB\n`;
  expect(parseWrk(output)).toEqual({ requests: 193_428, perSecond: 96_665.07 });
});

test.each([
  ['  Socket errors: connect 0, read 12, write 0, timeout 0', 'Socket errors: connect 0, read 12'],
  ['  Non-2xx or 3xx responses: 5', 'Non-2xx or 3xx responses: 5'],
])('rejects a run with failed requests: %s', (trouble, message) => {
  expect(() => parseWrk(`${SUMMARY}${trouble}\nRequests/sec:  96665.07\n`)).toThrow(message);
});

test('rejects output without a rate', () => {
  expect(() => parseWrk('unable to connect to 127.0.0.1:8080 Connection refused')).toThrow('Connection refused');
});
