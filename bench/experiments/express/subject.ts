import type { RequestListener } from 'node:http';
import type { CommonPagesOptions } from '../../../daemon/http-server/common-pages.ts';
import { listen } from '../../../daemon/http-server/listen.ts';

/** The pages of a minimal program, so that the server dominates its memory. */
export const PAGES: CommonPagesOptions = {
  name: 'bench-express',
  description: 'A program under measurement.',
  metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4; charset=utf-8', body: 'up 1\n' }),
  ready: () => true,
};

/** Serves until standard input ends, then prints its memory in MB. */
export async function serve(app: RequestListener): Promise<void> {
  const listener = await listen(app, '127.0.0.1:0');
  process.stdout.write(`${listener.address}\n`);
  process.stdin.resume().once('end', () => {
    process.stdout.write(`${process.memoryUsage.rss() / 1e6}\n`, () => process.exit());
  });
}
