import { expect, test } from 'vitest';
import { costsBetween, parseIds, parseProgram, totalNs } from './bpf-programs.ts';

test('files of programs and links have the program, others have none', () => {
  expect(parseIds('pos:\t0\nflags:\t02000002\nprog_type:\t26\nprog_id:\t360\nrun_cnt:\t7\n')).toEqual([360]);
  expect(parseIds('pos:\t0\nmap_type:\t1\nmap_id:\t9\n')).toEqual([]);
});

test("parses bpftool's output for a program, with and without statistics", () => {
  const shown = '{"id":360,"type":"tracing","name":"sock_send_length","run_time_ns":1200,"run_cnt":6,"map_ids":[1]}';
  expect(parseProgram(shown)).toEqual({ name: 'sock_send_length', runs: 6, ns: 1200 });
  expect(parseProgram('{"id":360,"type":"tracing"}')).toEqual({ name: '', runs: 0, ns: 0 });
});

test('costs between two readings, including a program loaded in the meantime', () => {
  const before = new Map([[1, { name: 'send', runs: 10, ns: 1000 }]]);
  const after = new Map([
    [1, { name: 'send', runs: 15, ns: 1600 }],
    [2, { name: 'receive', runs: 1, ns: 50 }],
  ]);
  const costs = costsBetween(before, after);
  expect(costs).toEqual([
    { name: 'send', runs: 5, ns: 600 },
    { name: 'receive', runs: 1, ns: 50 },
  ]);
  expect(totalNs(costs)).toBe(650);
});
