import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { picturePath } from '../../scorer/tensor-pages/pages.ts';
import { startPrometheus } from '../testserver/prometheus.ts';
import { ScorerBed } from './running-scorer.ts';

const ODD = { namespace: 'a/b "c"', service: '.. <鸚鵡>&?#%' };
const CART = { namespace: 'shop', service: 'cart' };
const bed = new ScorerBed();
let url: string;

describe('/tensors', () => {
  beforeAll(async () => {
    const prometheus = await startPrometheus();
    bed.onClear(() => prometheus.stop());
    const write = `${prometheus.url}/api/v1/write`;
    const factor = (service: { readonly service: string }, feature: string) =>
      service.service === 'cart' && feature === 'request_latency' ? 8 : 1;
    bed.play(write, [ODD, CART, { namespace: 'shop', service: 'new' }], { factor });
    const app = await bed.scorer(bed.configure('scorer', prometheus.url, write), [ODD, CART]);
    url = `http://${await app.start()}`;
    const index = async () => await (await fetch(`${url}/tensors`)).text();
    await bed.until('both are scored', index, (text) => text.split('<figure>').length === 3);
    await bed.until('the newest steps are there', index, (text) => /shop\/cart: ([1-9]|\d\d)/.test(text));
  });
  afterAll(() => bed.clear());

  it.each([ODD, CART])('shows %j as a PNG', async (name) => {
    const response = await fetch(url + picturePath(name));
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png']);
    const png = Buffer.from(await response.arrayBuffer());
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([3 * (3 * 16 + 16) + 16, 4 * 16 + 32]);
  });

  it('lists the services by score, names escaped, and links to what it shows', async () => {
    const page = await (await fetch(`${url}/tensors/`)).text();
    expect(page.indexOf('shop/cart')).toBeLessThan(page.indexOf('a/b &quot;c&quot;'));
    expect(page).not.toContain('<鸚鵡>');
    expect(page).toContain('Columns: request_rate (per second), request_latency (seconds), memory_bytes.');
    const sources = [...page.matchAll(/src="([^"]+)"/g)].map(([, path]) => path ?? '');
    expect(sources).toHaveLength(2);
    for (const path of sources) expect((await fetch(url + path)).status).toBe(200);
    expect(await (await fetch(url)).text()).toContain('href="/tensors"');
  });

  it.each([
    ['/tensors/shop/gone.png', 404, 'No such service'],
    ['/tensors/shop/new.png', 404, 'not been learned'],
    ['/tensors/shop/cart', 404, 'Expected'],
    ['/tensors/shop/a/b.png', 404, 'Expected'],
    ['/tensors/shop/%ff.png', 404, 'Expected'],
    ['/tensorsx', 404, 'Not found'],
  ])('GET %s -> %i', async (path, status, text) => {
    const response = await fetch(url + path);
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(text);
  });

  it('takes no POST, and answers HEAD without a body', async () => {
    const path = url + picturePath(CART);
    expect((await fetch(path, { method: 'POST' })).status).toBe(405);
    const head = await fetch(path, { method: 'HEAD' });
    expect([head.status, (await head.arrayBuffer()).byteLength]).toEqual([200, 0]);
  });
});
