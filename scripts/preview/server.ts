import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DashboardView } from './grafana.ts';
import { readDashboards } from './read-dashboards.ts';
import { screenOf } from './screen.ts';

export interface PreviewOptions {
  readonly prometheusUrl: string;
  readonly scorerUrl: string;
  /** 0 selects a free port. */
  readonly port: number;
}

export interface RunningPreview {
  readonly url: string;
  stop(): Promise<void>;
}

const DEFAULT_SPAN_SECONDS = 600;

/** The files of the page, built by scripts/preview.mjs next to this program. */
const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': ['preview.html', 'text/html; charset=utf-8'],
  '/preview-page.js': ['preview-page.js', 'text/javascript'],
  '/preview-style.css': ['preview-style.css', 'text/css'],
};

/** Serves the page that draws the dashboards, and its frames, on the loopback interface. */
export async function startPreview(options: PreviewOptions): Promise<RunningPreview> {
  const scrapeInterval = await readScrapeInterval(options.prometheusUrl);
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    respond(url, response, options, scrapeInterval).catch((error: unknown) => {
      response.writeHead(502, { 'Content-Type': 'text/plain' }).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(options.port, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function respond(
  url: URL,
  response: ServerResponse,
  options: PreviewOptions,
  scrapeInterval: number,
): Promise<void> {
  const file = FILES[url.pathname];
  if (file !== undefined) {
    response.writeHead(200, { 'Content-Type': file[1] }).end(readFileSync(join(import.meta.dirname, file[0])));
  } else if (url.pathname === '/screen') {
    const screen = JSON.stringify(await readScreen(url.searchParams, options, scrapeInterval));
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(screen);
  } else {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end('Not found.');
  }
}

async function readScreen(search: URLSearchParams, options: PreviewOptions, scrapeInterval: number): Promise<object> {
  const dashboards = readDashboards();
  const dashboard = dashboards.find(({ uid }) => uid === search.get('dashboard')) ?? dashboards[0];
  if (dashboard === undefined) throw new Error('no dashboards: run npm run generate');
  const end = Number(search.get('at') ?? Date.now() / 1000);
  const span = Number(search.get('span') ?? DEFAULT_SPAN_SECONDS);
  const chosen = Object.fromEntries(['namespace', 'service'].flatMap((name) => valueOf(search, name)));
  const { prometheusUrl, scorerUrl } = options;
  const view = await DashboardView.open(dashboard, { prometheusUrl, end, span, scrapeInterval, chosen });
  return screenOf(view.with({ scorer: scorerUrl }), end - span, end);
}

function valueOf(search: URLSearchParams, name: string): readonly (readonly [string, string])[] {
  const value = search.get(name);
  return value === null ? [] : [[name, value]];
}

interface Targets {
  readonly data: { readonly activeTargets: readonly { readonly scrapeInterval: string }[] };
}

/** Scrape interval in seconds, as in Grafana's data source. */
async function readScrapeInterval(prometheusUrl: string): Promise<number> {
  const answer = (await (await fetch(`${prometheusUrl}/api/v1/targets?state=active`)).json()) as Targets;
  const seconds = answer.data.activeTargets.map(({ scrapeInterval }) => parseFloat(scrapeInterval));
  return Math.max(1, ...seconds);
}
