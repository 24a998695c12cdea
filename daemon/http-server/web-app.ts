import type { RequestListener } from 'node:http';
import type { Logger } from '../logger.ts';
import type { WebHandler } from './answer.ts';
import { answerError, commonPages, type CommonPagesOptions, notFound, stepsBefore } from './common-pages.ts';

export type { WebHandler } from './answer.ts';
export { listen, ListenError, parseListenAddress } from './listen.ts';
export type { ListenAddress, Listener, ListenOptions } from './listen.ts';
export { ScrapeAbort } from './scrape.ts';
export type { MetricsPage, Scrape } from './scrape.ts';

export interface WebAppOptions extends CommonPagesOptions {
  /** The program's own routes. */
  readonly routes?: WebHandler;
}

/**
 * Serves the common pages with Node.js' own server, which is enough for fixed paths: a framework would need 10 % of the
 * exporter's memory. Programs whose pages have parameters use express-app.ts.
 */
export function createWebApp(options: WebAppOptions): RequestListener {
  const handlers: readonly WebHandler[] = [
    ...stepsBefore(options),
    commonPages(options),
    ...(options.routes === undefined ? [] : [options.routes]),
    notFound,
  ];
  return runHandlers(handlers, options.logger);
}

/** Runs `handlers` one after another until one answers; the last one has to. */
export function runHandlers(handlers: readonly WebHandler[], logger: Logger | undefined): RequestListener {
  return (request, response) => {
    const fail = (error: unknown) => answerError(logger, error, request, response);
    const runFrom = async (index: number): Promise<void> => {
      await handlers[index]?.(request, response, (error) => {
        // Express' routers call `next` with null as well as without an argument.
        if (error === undefined || error === null) start(index + 1);
        else fail(error);
      });
    };
    const start = (index: number): void => void runFrom(index).catch(fail);
    start(0);
  };
}
