import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { evaluateMethods } from '../../../bench/recorded/evaluate.ts';
import { ABLATIONS } from '../../../bench/recorded/methods/ablations/ablations.ts';
import { METHODS } from '../../../bench/recorded/methods/methods.ts';
import { openRecording } from '../../../bench/recorded/open-recording.ts';
import { readRecording } from '../../../bench/recorded/recording.ts';
import { StopStack } from '../../../daemon/lifecycle.ts';
import { Random } from '../../../scorer/numeric/random.ts';
import { metricsOf } from './metrics-of.ts';

const MINUTE = 60_000;
const START = Date.UTC(2024, 0, 1);
/** Of the fault, which lasts four minutes. */
const FAULT = 200;

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-recording-'));
afterAll(() => rmSync(folder, { recursive: true }));
const put = (file: string, content: string | Uint8Array) => writeFileSync(join(folder, file), content);

const FEATURES = `
windows: [1m, 3m, 5m]
features:
  - { name: cpu, scale: log, expr: 'sum by (namespace, service) (avg_over_time(cpu[$window]))' }
  - { name: wait, signal: latency, unit: seconds, scale: log, expr: 'sum by (namespace, service) (avg_over_time(wait[$window]))' }
edges:
  - name: wait
    signal: latency
    scale: log
    expr: 'max by (client_namespace, client_service, server_namespace, server_service) (avg_over_time(call_wait[$window]))'
`;

const at = (minute: number) => new Date(START + minute * MINUTE).toISOString();

beforeEach(() => {
  const random = new Random(1);
  const noisy = (value: number) => value * Math.exp(0.05 * random.normal());
  const minutes = Array.from({ length: 320 }, (_, minute) => minute);
  const series = (name: string, labels: string, value: (minute: number) => number) =>
    minutes.map((minute) => `${name}{${labels}} ${noisy(value(minute))} ${START / 1000 + minute * 60 - 10}\n`).join('');
  const slow = (minute: number) => (minute > FAULT && minute <= FAULT + 4 ? 9 : 1);
  const of = (service: string) => `namespace="n",service="${service}"`;
  const services = ['front', 'cart', 'db'];
  put(
    'services.om.gz',
    gzipSync(
      [
        '# TYPE cpu gauge\n',
        ...services.map((name) => series('cpu', of(name), () => 0.2)),
        '# TYPE wait gauge\n',
        ...services.map((name) => series('wait', of(name), (minute) => (name === 'cart' ? slow(minute) * 0.1 : 0.1))),
        '# EOF\n',
      ].join(''),
    ),
  );
  const call = 'client_namespace="n",client_service="front",server_namespace="n",server_service="cart"';
  put('edges.om', `# TYPE call_wait gauge\n${series('call_wait', call, (minute) => slow(minute) * 0.1)}# EOF\n`);
  put('features.yaml', FEATURES);
  const owner = { namespace: 'n', service: 'cart' };
  const alarm = { namespace: 'n', service: 'front', metric: 'wait', time: at(FAULT + 2) };
  put(
    'faults.json',
    JSON.stringify([{ start: at(FAULT), end: at(FAULT + 4), ...owner, pod: 'cart-0', type: 'slow', alarm }]),
  );
});

describe('a recording', () => {
  it('is one text of all its files, with or without the edges', async () => {
    const all = await metricsOf(folder);
    expect(all.indexOf('# EOF')).toBe(all.length - 1);
    expect(all[0]).toBe('# TYPE call_wait gauge');
    expect((await metricsOf(folder, true)).join('')).not.toContain('call_wait');
  });

  it('knows the faults, and what alarmed', () => {
    const key = '["n","cart"]';
    const expected = { startMs: START + FAULT * MINUTE, key, type: 'slow', alarmed: '["n","front"]' };
    expect(readRecording(folder).faults).toMatchObject([expected]);
  });

  it.each([
    ['faults.json', '[{"start": "2024-01-01T00:00:00Z", "service": "a", "type": "t"}]', 'namespace'],
    ['recording.yaml', 'interval: 1m\nunknown: 1\n', 'unknown'],
  ])('names what is wrong in %s', (file, content, expected) => {
    put(file, content);
    try {
      expect(() => readRecording(folder)).toThrow(new RegExp(`${file}.*${expected}`));
    } finally {
      rmSync(join(folder, file));
    }
  });

  it(
    'is evaluated by every method and without each part of the product, and a fault of the shop is found and its cause is first',
    { timeout: 180_000 },
    async () => {
      const stops = new StopStack();
      try {
        const options = await openRecording({ path: folder, stops, onProgress: () => {} });
        expect(options.window).toEqual({ fromMs: START, toMs: START + 319 * MINUTE });
        const methods = [...METHODS, ...ABLATIONS];
        const rows = await evaluateMethods('shop', { ...options, epochs: 2 }, methods, { count: 2 });
        expect(rows.map(({ method }) => method)).toEqual(methods.map(({ name }) => name));
        for (const { method, detects, recall, recall_at_culprit: atCulprit, cause } of rows) {
          if (method === 'random') continue;
          expect([method, cause.start.at_1.mean]).toEqual([method, 1]);
          expect([method, recall.mean, atCulprit.mean]).toEqual([method, ...(detects ? [1, 1] : [0, 0])]);
        }
      } finally {
        await stops.stop();
      }
    },
  );
});
