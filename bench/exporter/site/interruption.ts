import type { ChildProcess } from 'node:child_process';

const running = new Set<ChildProcess>();

/** Ends a program when the benchmark is interrupted. */
export function endWithBenchmark<Child extends ChildProcess>(child: Child): Child {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/**
 * On SIGINT or SIGTERM, ends the started programs. Code that waits for them fails, and its clean-up removes or restores
 * everything else. A second signal ends the benchmark immediately.
 */
export function unwindOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      for (const child of running) child.kill('SIGKILL');
    });
  }
}
