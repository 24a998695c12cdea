/**
 * `npm run bench -- exporter [-- --only=part,...]`: measures the cost of the exporter and of others, as rows of
 * bench/results/exporter.json. Requires root, and an otherwise idle machine.
 */
import { loadavg } from 'node:os';
import { measureCpu } from './measurements/cpu.ts';
import { measureEvents } from './measurements/event-cost.ts';
import { measureHttpStatus } from './measurements/http-status.ts';
import { unwindOnSignals } from './site/interruption.ts';
import { measureKernel } from './measurements/kernel.ts';
import { measureMemory } from './measurements/memory.ts';
import { chooseParts } from './parts.ts';
import { servePromClient } from './subjects/prom-client-peer.ts';
import { printRow, rowsOf, writeRows, type Row } from './results.ts';
import { measureSockets } from './measurements/sockets.ts';
import { measureStart } from './measurements/start.ts';
import { measureThroughput } from './measurements/throughput.ts';

const [node = '', program = '', ...args] = process.argv;

const PARTS = {
  memory: () => measureMemory([node, program, 'prom-client']),
  kernel: measureKernel,
  throughput: measureThroughput,
  cpu: measureCpu,
  sockets: measureSockets,
  start: measureStart,
  events: measureEvents,
  'http-status': measureHttpStatus,
} satisfies Readonly<Record<string, () => Promise<readonly Row[]>>>;

type Part = keyof typeof PARTS;

async function main(): Promise<void> {
  const known = Object.keys(PARTS) as Part[];
  const parts = chooseParts(known, args);
  unwindOnSignals();
  const rows: Row[] = [...otherWork()];
  rows.forEach(printRow);
  for (const part of parts) {
    const measured = await PARTS[part]();
    measured.forEach(printRow);
    rows.push(...measured);
  }
  writeRows(rows, { partial: parts.length < known.length });
}

/** The load of the machine by other programs: if it is high, times are inflated. */
function otherWork(): readonly Row[] {
  return rowsOf('load average at the beginning', 'processes', new Map([[undefined, loadavg().slice(0, 1)]]));
}

if (args[0] === 'prom-client') servePromClient(Number(args[1]));
else await main();
