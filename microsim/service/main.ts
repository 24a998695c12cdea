import { readFileSync } from 'node:fs';
import { parseFault } from '../protocol/fault.ts';
import { serveJson } from '../protocol/json-http.ts';
import type { ServiceConfig } from '../protocol/process-config.ts';
import { SimulatedService } from './simulated-service.ts';
import { UNTRACED } from './tracing.ts';

/*
 * The process of one simulated service: `lorikeet-sim-service <config file>`. It imports no library,
 * because a dozen of them run on one machine; only one that sends spans loads OpenTelemetry's SDK.
 */
const path = process.argv[2];
if (path === undefined) throw new Error('expected the path of a configuration file');
const config = JSON.parse(readFileSync(path, 'utf8')) as ServiceConfig;
const { traces } = config;
const tracing =
  traces === undefined ? UNTRACED : (await import('./tracing-sdk.ts')).openTracing(config.service, traces);
const service = new SimulatedService(config, tracing);

await service.listen();
await serveJson(config.admin, {
  'GET /stats': () => service.stats(),
  'POST /fault': async (body) => {
    const { type, ...args } = body as Record<string, unknown>;
    await service.setFault(parseFault(type, args));
    return service.stats();
  },
  'DELETE /fault': async () => {
    await service.setFault(null);
    return service.stats();
  },
});
