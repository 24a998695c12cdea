/** Shortest block that is reported, milliseconds. */
const SHORTEST_MS = 3;

/**
 * Loaded into a program before its own code: a timer with an interval of one millisecond prints long delays of the main
 * thread to standard error. Processes that the program starts are not watched.
 */
const WATCH = `import { isMainThread } from 'node:worker_threads';
delete process.env.NODE_OPTIONS;
let last = performance.now();
if (isMainThread) setInterval(() => {
  const now = performance.now();
  if (now - last > ${SHORTEST_MS}) process.stderr.write('event_loop_block_ms=' + (now - last - 1) + '\\n');
  last = now;
}, 1).unref();`;

/** The environment of a program whose event loop is watched, which takes memory and time. */
export const WATCHED_LOOP: Readonly<Record<string, string>> = {
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(WATCH)}`,
};

/** The block that a line of standard error reports, in milliseconds. */
export function blockIn(line: string): number | undefined {
  const block = /^event_loop_block_ms=(\S+)/.exec(line)?.[1];
  return block === undefined ? undefined : Number(block);
}
