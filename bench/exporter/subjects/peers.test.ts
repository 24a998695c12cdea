import { expect, test } from 'vitest';
import { parseGazer, parseTcplife } from './peers.ts';

test("the agent's last line has the number of lost events", () => {
  expect(parseGazer('{"events":60000,"lost":12}')).toBe(12);
});

test('sums the lost events of tcplife', () => {
  expect(parseTcplife([])).toBe(0);
  expect(parseTcplife(['libbpf: something', 'lost 12 events on CPU #1!', 'lost 3 events on CPU #0!'])).toBe(15);
});
