import { readFileSync, realpathSync } from 'node:fs';
import { expect, test } from 'vitest';
import { releaseProgramPages } from '../../native/index.ts';

/** Kilobytes of node's own file that are mapped and in memory. */
function programResidentKb(): number {
  const program = realpathSync('/proc/self/exe');
  const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return mappings
    .filter((mapping) => mapping.split('\n')[0]?.endsWith(` ${program}`))
    .reduce((sum, mapping) => sum + Number(/^Rss:\s+(\d+)/m.exec(mapping)?.[1]), 0);
}

test("most of node's own pages leave the memory, and what runs on goes on", () => {
  const before = programResidentKb();
  releaseProgramPages();
  const released = programResidentKb();
  expect(before).toBeGreaterThan(10_000);
  expect(released).toBeLessThan(before / 2);
  // Code that was compiled before and built-in functions that were not used yet: all of it lies in those pages.
  expect(JSON.parse(JSON.stringify({ at: new Intl.DateTimeFormat('en').format(0).length > 0 }))).toEqual({ at: true });
  releaseProgramPages();
});
