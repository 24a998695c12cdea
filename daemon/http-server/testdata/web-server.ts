import { once } from 'node:events';
import { request, type Agent, type IncomingMessage, type RequestListener } from 'node:http';
import { afterEach } from 'vitest';
import { until as untilHolds } from '../../../test/until.ts';
import { TEXT_CONTENT_TYPE } from '../accept.ts';
import type { WebHandler } from '../answer.ts';
import type { CommonPagesOptions } from '../common-pages.ts';
import { createExpressApp } from '../express-app.ts';
import { createWebApp, listen, type Listener } from '../web-app.ts';

export const CONTENT_TYPE = TEXT_CONTENT_TYPE;

export interface AppOptions extends Partial<CommonPagesOptions> {
  readonly routes?: WebHandler;
}

function withDefaults(options: Partial<CommonPagesOptions>): CommonPagesOptions {
  return {
    name: 'lorikeet-test',
    description: 'A program <under> test.',
    metrics: () => Promise.resolve({ contentType: CONTENT_TYPE, body: 'up 1\n' }),
    ready: () => true,
    ...options,
  };
}

/** The servers of the common pages by name. */
export const SERVERS = {
  'node:http': ({ routes, ...options }: AppOptions = {}): RequestListener =>
    createWebApp({ ...withDefaults(options), ...(routes !== undefined && { routes }) }),
  express: ({ routes, ...options }: AppOptions = {}): RequestListener =>
    createExpressApp({ ...withDefaults(options), ...(routes !== undefined && { routers: [routes] }) }),
} as const;

export type ServerName = keyof typeof SERVERS;
export const SERVER_NAMES = Object.keys(SERVERS) as readonly ServerName[];

const open: Listener[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.close()));
});

/** Closes `listener` after the test. */
export function closeLater(listener: Listener): void {
  open.push(listener);
}

/** Serves until the test ends. */
export async function serve(app: RequestListener): Promise<string> {
  const listener = await listen(app, '127.0.0.1:0');
  closeLater(listener);
  return `http://${listener.address}`;
}

export async function until(condition: () => boolean): Promise<void> {
  await untilHolds('the condition', condition, { periodMs: 1 });
}

export interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface ExchangeOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: Agent | false;
  /** The client's address. Default: that of the system. */
  readonly localAddress?: string;
}

/** Sends a request. Unlike fetch, neither adds Accept-Encoding nor decompresses. */
export async function exchange(
  url: string,
  { method = 'GET', headers = {}, agent = false, localAddress }: ExchangeOptions = {},
): Promise<Answer> {
  const sent = request(url, { method, headers, agent, localAddress }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) };
}
