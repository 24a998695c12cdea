import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleExporter, type Bundle, type Exporter } from './program.ts';

const MB = 1e6;
/** What V8 by itself lets lie before it collects: this many scrapes make more garbage than that. */
const SCRAPES = 2000;
/** The first ones compile the code. */
const WARM_UP = 100;

let bundle: Bundle;
beforeAll(async () => {
  bundle = await bundleExporter();
});
afterAll(() => bundle?.remove());

/** Bytes of old objects, dead ones among them. */
async function oldObjects(exporter: Exporter): Promise<number> {
  const samples = await exporter.samples('nodejs_heap_space_size_used_bytes');
  return samples['nodejs_heap_space_size_used_bytes{space="old"}'] ?? NaN;
}

test(`does not grow by ${SCRAPES} scrapes`, async () => {
  const exporter = await bundle.start();
  const sizes: number[] = [];
  for (let scrape = 0; scrape < SCRAPES; scrape++) sizes.push(await oldObjects(exporter));
  await exporter.stop();
  expect(Math.max(...sizes.slice(WARM_UP)) - Math.min(...sizes.slice(0, WARM_UP))).toBeLessThan(4.5 * MB);
}, 120_000);
