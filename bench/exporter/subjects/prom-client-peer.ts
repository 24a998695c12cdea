import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';

/** Lines of one histogram of 23 buckets. */
const LINES = 25;
const compress = promisify(gzip);

/** Serves a number of series with prom-client, for comparison, until a signal. */
export function servePromClient(series: number): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const histogram = new Histogram({
    name: 'request_duration_seconds',
    help: 'Time from a request to the first byte of the response.',
    labelNames: ['namespace', 'service', 'pod', 'role'],
    buckets: Array.from({ length: 22 }, (_, index) => 2 ** (14 + index) / 1e9),
    registers: [registry],
  });
  for (let index = 0; index < series / LINES; index++) {
    const service = `service-${index >> 2}`;
    const labels = { namespace: 'shop', service, pod: `${service}-7f9c6d5b8-x${index}`, role: 'server' };
    histogram.observe(labels, 0.01);
  }

  const server = createServer((_request, response) => {
    void registry
      .metrics()
      .then((text) => compress(text, { level: constants.Z_BEST_SPEED }))
      .then((body) => {
        response.writeHead(200, { 'Content-Type': registry.contentType, 'Content-Encoding': 'gzip' });
        response.end(body);
      });
  });
  server.listen(0, '127.0.0.1', () => {
    const { address, port } = server.address() as AddressInfo;
    process.stderr.write(`msg=listening address=${address}:${port}\n`);
  });
  process.once('SIGTERM', () => process.exit(0));
}
