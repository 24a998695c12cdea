import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * A step in the handling of a request: responds, or calls `next` for the next step. Routers of Express and Connect also
 * work if they only use Node.js' own request and response.
 */
export type WebHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void | Promise<void>;

/** Responds with one line of text. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, 'text/plain; charset=utf-8', `${text}\n`);
}

export function sendHtml(response: ServerResponse, page: string): void {
  send(response, 200, 'text/html; charset=utf-8', page);
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

/** Responds with 405 unless the method is GET or HEAD. @returns true if it responded */
export function refusedMethod(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.method === 'GET' || request.method === 'HEAD') return false;
  response.setHeader('Allow', 'GET, HEAD');
  sendText(response, 405, 'Only GET or HEAD requests are allowed.');
  return true;
}

/** The path of a request, without query and trailing slash. */
export function pathOf(request: IncomingMessage): string {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
