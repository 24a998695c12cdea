import { readFileSync } from 'node:fs';
import { serveJson } from '../protocol/json-http.ts';
import { LoadGenerator } from './load-generator.ts';
import type { LoadSettings } from '../protocol/load-pattern.ts';
import type { LoadConfig } from '../protocol/process-config.ts';

/* The process of the load generator: `lorikeet-sim-load <config file>`. Sends no load until `POST /start` or `autostart`. */
const path = process.argv[2];
if (path === undefined) throw new Error('expected the path of a configuration file');
const config = JSON.parse(readFileSync(path, 'utf8')) as LoadConfig;
const generator = new LoadGenerator(config);

await serveJson(config.admin, {
  'GET /stats': () => generator.stats(),
  'POST /start': () => generator.start(),
  'POST /load': (body) => {
    generator.change(body as LoadSettings);
    return generator.stats();
  },
  'POST /probe': async (body) => {
    const { service, host } = body as { service: string; host: string };
    await generator.probe(service, host);
  },
});
if (config.autostart === true) generator.start();
