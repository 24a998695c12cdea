import type { RequestListener } from 'node:http';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import { answerError, commonPages, type CommonPagesOptions, notFound, stepsBefore } from './common-pages.ts';

export interface ExpressAppOptions extends CommonPagesOptions {
  /** Express routers with the program's own pages, mounted after the common ones in this order. */
  readonly routers?: readonly RequestHandler[];
}

/** Serves the common pages and a program's own with express, for programs whose pages have parameters. */
export function createExpressApp(options: ExpressAppOptions): RequestListener {
  const app = express();
  app.disable('x-powered-by');
  for (const step of stepsBefore(options)) app.use(step);
  app.use(commonPages(options));
  for (const router of options.routers ?? []) app.use(router);
  app.use(notFound);
  // Express recognises an error handler by its four parameters.
  const onError: ErrorRequestHandler = (error, request, response, _next) =>
    answerError(options.logger, error, request, response);
  app.use(onError);
  return app;
}
