/**
 * `npm run bench:exporter`: what the exporter costs, beside others, in rows of bench/results/exporter.json. Needs dist/
 * (npm run build) and root. `-- events` measures the costs of counting alone.
 */
import { measureEvents } from './event-cost.ts';
import { measureMemory } from './memory.ts';
import { servePromClient } from './prom-client-peer.ts';
import { writeRows } from './results.ts';

const [node = '', program = '', part, series] = process.argv;
if (part === 'prom-client') servePromClient(Number(series));
else if (part === 'events') writeRows(measureEvents());
else writeRows([...(await measureMemory([node, program, 'prom-client'])), ...measureEvents()]);
