import type { ServerResponse } from 'node:http';
import { type ErrorRequestHandler, Router } from 'express';
import { refusedMethod, sendHtml, sendText } from '../../daemon/http-server/answer.ts';
import { escapeHtml } from '../../daemon/http-server/landing-page.ts';
import { refusals } from '../../daemon/refusals/refusals.ts';
import type { Identity } from '../identity/identity.ts';
import type { Feature } from '../features/features.ts';
import { displayName, serviceKey, serviceName, type ServiceName } from '../identity/service-key.ts';
import { type Drawn, Pictures } from './pictures.ts';
import type { Image } from './png.ts';

interface Score {
  readonly key: string;
  readonly score: number;
}

export interface TensorPagesOptions {
  /** Step and scores of the services in the last cycle. */
  readonly last: () => { readonly step: number; readonly scores: readonly Score[] };
  readonly identity: Identity;
  /** The picture of a service in the last cycle, or the reason why there is none. */
  readonly picture: (name: ServiceName | undefined) => Promise<Image | string>;
  /** The pictures' columns. */
  readonly features: readonly Pick<Feature, 'name' | 'unit'>[];
}

export const TENSORS_PATH = '/tensors';
/** Services on the page, those with the highest scores. */
const MAX_SERVICES_SHOWN = 50;

/**
 * `/tensors`, the services with the highest scores, and `/tensors/<namespace>/<service>.png`, names URL-encoded, with the
 * further labels of the identity as the query: `?cluster=a`.
 */
export function tensorPages(options: TensorPagesOptions): Router {
  const router = Router({ caseSensitive: true });
  const pictures = new Pictures(() => options.last().step);
  const index = indexOf(options);
  router.use(TENSORS_PATH, (request, response, next) => {
    if (!refusedMethod(request, response)) next();
  });
  router.get(TENSORS_PATH, (_request, response) => sendHtml(response, index()));
  router.get(`${TENSORS_PATH}/:namespace/:service.png`, async ({ params, query }, response) => {
    const name = options.identity.service({ ...textsOf(query), ...params });
    const key = name === undefined ? '' : serviceKey(name);
    sendDrawn(
      response,
      await pictures.drawn(
        key,
        () => options.picture(name),
        () => response.destroyed,
      ),
    );
  });
  router.use(TENSORS_PATH, (_request, response) => sendNoPicture(response));
  const onError: ErrorRequestHandler = (error, _request, response, next) => {
    // Not URL-encoded UTF-8, so not the name of a service.
    if (error instanceof URIError) sendNoPicture(response);
    else next(error);
  };
  router.use(TENSORS_PATH, onError);
  return router;
}

function sendDrawn(response: ServerResponse, drawn: Drawn): void {
  if (drawn === 'left') return;
  if (drawn === 'busy') {
    refusals.add('pictures');
    response.setHeader('Retry-After', '1');
    return sendText(response, 503, 'Too many pictures are being drawn, try again later.');
  }
  if ('reason' in drawn) return sendText(response, 404, drawn.reason);
  const { png } = drawn;
  response.writeHead(200, { 'Content-Type': 'image/png', 'Content-Length': png.length, 'Cache-Control': 'no-store' });
  response.end(png);
}

function sendNoPicture(response: ServerResponse): void {
  sendText(response, 404, `Expected ${TENSORS_PATH}/<namespace>/<service>.png.`);
}

export function picturePath({ namespace, service, ...labels }: ServiceName): string {
  const query = Object.keys(labels).length === 0 ? '' : `?${new URLSearchParams(labels)}`;
  return `${TENSORS_PATH}/${encodeURIComponent(namespace)}/${encodeURIComponent(service)}.png${query}`;
}

/** A parameter that is given twice is none of a picture's. */
function textsOf(query: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts = Object.entries(query).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(texts);
}

/** Renders the page once for all who ask for it between two cycles. */
function indexOf({ last, features }: TensorPagesOptions): () => string {
  let page = '';
  let shown: readonly Score[] | undefined;
  return () => {
    const { scores } = last();
    if (scores !== shown) page = renderIndex(scores, features);
    shown = scores;
    return page;
  };
}

function renderIndex(scores: readonly Score[], features: TensorPagesOptions['features']): string {
  const shown = [...scores].sort((a, b) => b.score - a.score).slice(0, MAX_SERVICES_SHOWN);
  const figures = shown.map(({ key, score }) => {
    const name = serviceName(key);
    const title = escapeHtml(displayName(name));
    return `<figure><figcaption>${title}: ${score.toFixed(2)}</figcaption><img loading="lazy" alt="${title}" src="${escapeHtml(picturePath(name))}"></figure>`;
  });
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Tensors</title></head>
<body>
<h1>Tensors</h1>
<p>The ${shown.length} services with the highest scores. Left: observed; middle: expected by the model; right: the difference.
Rows are lags, the current step at the top. Red, green and blue are the three windows, from the shortest to the longest.
Columns: ${escapeHtml(features.map(columnTitle).join(', '))}.</p>
${figures.join('\n')}
</body>
</html>
`;
}

function columnTitle({ name, unit }: Pick<Feature, 'name' | 'unit'>): string {
  return unit === 'none' ? name : `${name} (${unit.replaceAll('_', ' ')})`;
}
