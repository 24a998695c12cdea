import type { IncomingMessage, ServerResponse } from 'node:http';
import { describeError, type Logger } from '../logger.ts';
import { pathOf, refusedMethod, sendHtml, sendText, type WebHandler } from './answer.ts';
import { renderLandingPage } from './landing-page.ts';
import { scrapeRoute, type ScrapeRouteOptions } from './scrape.ts';

export interface CommonPagesOptions extends ScrapeRouteOptions {
  readonly name: string;
  readonly description: string;
  /** `true`, or the reason why the program is not ready. */
  readonly ready: () => true | string;
  /** Reloads the configuration; a rejection becomes status 500 with its message. */
  readonly reload?: () => void | Promise<void>;
  /** Enables POST /-/reload (`--web.enable-lifecycle`). Default: false. */
  readonly enableLifecycle?: boolean;
  /** Further links on the landing page: path -> text. */
  readonly links?: Readonly<Record<string, string>>;
  /** Handlers that run before every route, in order, such as authentication. */
  readonly before?: readonly WebHandler[];
  /** Answers health and readiness ahead of `before` (`--web.probes-without-password`). Default: false. */
  readonly probesWithoutPassword?: boolean;
  readonly logger?: Logger;
}

/** The pages of every program, on any server: landing page, /metrics, health, readiness, reload. */
export function commonPages(options: CommonPagesOptions): WebHandler {
  const landingPage = renderLandingPage(options);
  const pages: Readonly<Record<string, WebHandler>> = {
    '/': (_request, response) => sendHtml(response, landingPage),
    '/metrics': scrapeRoute(options),
    '/-/healthy': (_request, response) => sendText(response, 200, `${options.name} is healthy.`),
    '/-/ready': (_request, response) => {
      const ready = options.ready();
      if (ready === true) sendText(response, 200, `${options.name} is ready.`);
      else sendText(response, 503, `${options.name} is not ready: ${ready}`);
    },
  };
  const reload = reloadRoute(options);
  return (request, response, next) => {
    const path = pathOf(request);
    if (path === '/-/reload') return reload(request, response, next);
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    if (page === undefined) return next();
    if (refusedMethod(request, response)) return undefined;
    return page(request, response, next);
  };
}

/** The handlers ahead of all routes. */
export function stepsBefore(options: CommonPagesOptions): readonly WebHandler[] {
  const { before = [], probesWithoutPassword = false } = options;
  return probesWithoutPassword ? [openProbes(options), ...before] : before;
}

/** Without the reason why the program is not ready: it may name addresses. With a password, the page has it. */
function openProbes({ ready }: CommonPagesOptions): WebHandler {
  return (request, response, next) => {
    const isAnonymous = request.headers.authorization === undefined;
    if (!isAnonymous || (request.method !== 'GET' && request.method !== 'HEAD')) return next();
    switch (pathOf(request)) {
      case '/-/healthy':
        return sendText(response, 200, 'Healthy.');
      case '/-/ready':
        return ready() === true ? sendText(response, 200, 'Ready.') : sendText(response, 503, 'Not ready.');
      default:
        return next();
    }
  };
}

function reloadRoute(options: CommonPagesOptions): WebHandler {
  return async (request, response) => {
    if (request.method !== 'POST' && request.method !== 'PUT') {
      response.setHeader('Allow', 'POST, PUT');
      sendText(response, 405, 'Only POST or PUT requests are allowed.');
    } else if (options.enableLifecycle !== true) {
      sendText(response, 403, 'Lifecycle API is not enabled: set --web.enable-lifecycle.');
    } else if (options.reload === undefined) {
      sendText(response, 404, 'There is nothing to reload.');
    } else {
      try {
        await options.reload();
        sendText(response, 200, 'Reloaded.');
      } catch (error) {
        sendText(response, 500, `Reload failed: ${describeError(error)}`);
      }
    }
  };
}

/** Responds to an unknown path. */
export function notFound(_request: IncomingMessage, response: ServerResponse): void {
  sendText(response, 404, 'Not found.');
}

/** Responds to a request whose handler failed. */
export function answerError(
  logger: Logger | undefined,
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  // Express' own errors have the status.
  const status = (error as { status?: unknown } | null)?.status;
  const usersFault = typeof status === 'number' && status >= 400 && status < 500;
  if (!usersFault) logger?.error('request failed', { path: pathOf(request), error: describeError(error) });
  if (response.headersSent) response.destroy();
  else sendText(response, usersFault ? status : 500, describeError(error));
}
