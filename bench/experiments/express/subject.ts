import type { RequestListener } from 'node:http';
import type { CommonPagesOptions } from '../../../daemon/http-server/common-pages.ts';
import { listen } from '../../../daemon/http-server/listen.ts';

/** The pages of a program that has little to say, so that the server is what takes memory. */
export const PAGES: CommonPagesOptions = {
  name: 'bench-express',
  description: 'A program that is measured.',
  metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4; charset=utf-8', body: 'up 1\n' }),
  ready: () => true,
};

/** Serves until standard input ends, then tells its memory in MB. */
export async function serve(app: RequestListener): Promise<void> {
  const listener = await listen(app, '127.0.0.1:0');
  process.stdout.write(`${listener.address}\n`);
  process.stdin.resume().once('end', () => {
    process.stdout.write(`${process.memoryUsage.rss() / 1e6}\n`, () => process.exit());
  });
}
