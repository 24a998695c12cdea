import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningProgram } from '../running-program.ts';
import { until } from '../until.ts';
import type { Happening } from './races.ts';

interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly statuses?: readonly number[];
}

/** Asks for a page and reads all of it. @throws Error for another status than these, default 200 */
export async function ask(program: RunningProgram, path: string, options: AskOptions = {}): Promise<string> {
  const { method = 'GET', headers = {}, statuses = [200] } = options;
  const { status, text } = await program.get(path, { method, headers: { connection: 'close', ...headers } });
  if (!statuses.includes(status)) throw new Error(`${method} ${path}: status ${status}: ${text}`);
  return text;
}

/** What may happen to both programs. */
export const COMMON: Readonly<Record<string, Happening>> = {
  'reload by signal': (program) => program.signal('SIGHUP'),
  'reload by request': async (program) =>
    void (await ask(program, '/-/reload', { method: 'POST', statuses: [200, 500] })),
  scrape: async (program) => void (await ask(program, '/metrics')),
  'scrape as OpenMetrics': async (program) =>
    void (await ask(program, '/metrics', { headers: { accept: 'application/openmetrics-text; version=1.0.0' } })),
  'scrape by a client that leaves': async ({ url }, random) => {
    const left = new AbortController();
    const scraped = fetch(`${url}/metrics`, { signal: left.signal })
      .then((answer) => answer.text())
      .then(
        () => undefined,
        (error: Error) => (error.name === 'AbortError' ? undefined : error),
      );
    await sleep(random.uniform() * 30);
    left.abort();
    const error = await scraped;
    if (error !== undefined) throw error;
  },
  page: async (program) => void (await ask(program, '/')),
};

let reloads = 0;

/** Reloads, by signal and by request in turn, and waits until `holds`. */
export async function reloadUntil(program: RunningProgram, holds: () => Promise<boolean>): Promise<void> {
  if (reloads++ % 2 === 0) program.signal('SIGHUP');
  else await ask(program, '/-/reload', { method: 'POST' });
  await until('the last configuration', holds, { timeoutMs: 30_000, periodMs: 20 });
}
