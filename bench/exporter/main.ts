/**
 * `npm run bench:exporter -- [--only=memory|http-status]`: what the exporter costs, beside others, in rows of
 * bench/results/exporter.json. Needs dist/ (npm run build) and root.
 */
import { measureHttpStatus } from './http-status.ts';
import { measureMemory } from './memory.ts';
import { servePromClient } from './prom-client-peer.ts';
import { writeRows } from './results.ts';

const [node = '', program = '', part, series] = process.argv;
if (part === 'prom-client') {
  servePromClient(Number(series));
} else {
  if (part !== '--only=http-status') writeRows(await measureMemory([node, program, 'prom-client']));
  if (part !== '--only=memory') writeRows(await measureHttpStatus());
}
