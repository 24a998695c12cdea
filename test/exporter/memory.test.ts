import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleExporter, type Bundle, type Exporter } from './program.ts';

const MB = 1e6;
/** Number of scrapes: enough garbage for V8 to collect old objects by itself. */
const SCRAPES = 2000;
/** Number of first scrapes, which compile the code. */
const WARM_UP = 100;

let bundle: Bundle;
beforeAll(async () => {
  bundle = await bundleExporter();
});
afterAll(() => bundle?.remove());

/** Bytes of old objects, including dead ones. */
async function oldObjects(exporter: Exporter): Promise<number> {
  const samples = await exporter.samples('nodejs_heap_space_size_used_bytes');
  return samples['nodejs_heap_space_size_used_bytes{space="old"}'] ?? NaN;
}

test(`does not grow during ${SCRAPES} scrapes`, async () => {
  const exporter = await bundle.start();
  const sizes: number[] = [];
  for (let scrape = 0; scrape < SCRAPES; scrape++) sizes.push(await oldObjects(exporter));
  await exporter.stop();
  expect(Math.max(...sizes.slice(WARM_UP)) - Math.min(...sizes.slice(0, WARM_UP))).toBeLessThan(4.5 * MB);
}, 120_000);
