import type { ChildProcess } from 'node:child_process';

const running = new Set<ChildProcess>();

/** Has a program end when the benchmark is interrupted. */
export function endWithBenchmark<Child extends ChildProcess>(child: Child): Child {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/**
 * On a signal to end, ends what was started: whoever waits for it fails, and on the way out everything else that was
 * made is removed and set back. A second signal ends the benchmark at once.
 */
export function unwindOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      for (const child of running) child.kill('SIGKILL');
    });
  }
}
