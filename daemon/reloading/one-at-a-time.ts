/**
 * Runs `work` one at a time. Calls while it runs share one further run, which begins after it, so that it sees what they
 * are about.
 */
export function oneAtATime(work: () => void | Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    try {
      await work();
    } finally {
      running = undefined;
    }
  };
  const runNext = (): Promise<void> => {
    next = undefined;
    return (running = run());
  };
  return () => {
    if (running === undefined) return (running = run());
    return (next ??= running.then(runNext, runNext));
  };
}
