import { serve, type RunningServer } from './http.ts';

/** Serves /metrics in the text format. `render` gets the seconds since the start, by which counters grow. */
export async function serveMetrics(render: (seconds: number) => string): Promise<RunningServer> {
  const started = performance.now();
  return await serve((_request, response) => {
    response.setHeader('Content-Type', 'text/plain; version=0.0.4');
    response.end(render((performance.now() - started) / 1000));
  });
}
