import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../scripts/free-port.ts';
import { serve } from '../../testserver/http.ts';
import { until } from '../../until.ts';
import { LONELY_SCORER, run, type Running } from './running.ts';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-hostile-reload-'));
afterAll(() => rmSync(folder, { recursive: true }));

const reload = async ({ url }: Running) => {
  const answer = await fetch(`${url}/-/reload`, { method: 'POST' });
  return { status: answer.status, text: await answer.text() };
};
const isHealthy = async ({ url }: Running) => (await fetch(`${url}/-/healthy`)).status === 200;

describe('lorikeet-scorer', () => {
  let scorer: Running;
  const write = (more: string) => writeFileSync(join(folder, 'scorer.yaml'), LONELY_SCORER + more);
  const successful = () => scorer.value('lorikeet_scorer_config_last_reload_successful');
  beforeAll(async () => {
    write('');
    const address = `127.0.0.1:${await freePort()}`;
    scorer = await run('scorer', { cwd: folder, address, args: ['--web.enable-lifecycle'] });
  });
  afterAll(() => scorer?.kill());

  it('survives two reloads at once, four times', async () => {
    for (let time = 0; time < 4; time++) {
      const answers = await Promise.all([reload(scorer), reload(scorer)]);
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    }
    await until('the reloads', () => scorer.logged('configuration reloaded') === 8);
    expect([await isHealthy(scorer), scorer.ended()]).toEqual([true, undefined]);
  });

  it('survives a hundred reloads at once and signals between them, with few reloads and no refused connection', async () => {
    const before = scorer.logged('configuration reloaded');
    const answers = Array.from({ length: 100 }, (_, index) => {
      if (index % 10 === 0) scorer.signal('SIGHUP');
      return reload(scorer);
    });
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([200]));
    expect(await isHealthy(scorer)).toBe(true);
    // The first one, those that came during it, and those of requests that were only then accepted.
    expect(scorer.logged('configuration reloaded') - before).toBeLessThan(50);
  });

  it('keeps the running configuration when the new one has a port that another program has', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    try {
      const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
      write(`traces: { listen_address: '${address}' }\n`);
      const { status, text } = await reload(scorer);
      expect([status, text]).toEqual([500, `Reload failed: listen ${address}: address in use\n`]);
      expect([await isHealthy(scorer), await successful(), scorer.ended()]).toEqual([true, 0, undefined]);
    } finally {
      other.close();
    }
    expect(await reload(scorer)).toMatchObject({ status: 200 });
    expect(await successful()).toBe(1);
  });

  it('takes spans during a reload that keeps their port', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    write(`traces: { listen_address: '${address}' }\n`);
    await reload(scorer);
    const send = async () => {
      const headers = { 'content-type': 'application/json' };
      const body = '{"resourceSpans":[]}';
      return (await fetch(`http://${address}/v1/traces`, { method: 'POST', headers, body })).status;
    };
    const statuses = new Set<number>();
    for (let time = 0; time < 3; time++) {
      const reloaded = reload(scorer);
      for (let request = 0; request < 20; request++) statuses.add(await send());
      expect(await reloaded).toMatchObject({ status: 200 });
    }
    expect(statuses).toEqual(new Set([200]));
  });

  it('reloads while a cycle waits for a Prometheus that does not answer', async () => {
    const waiting: ServerResponse[] = [];
    let isStuck = false;
    const answer = (response: ServerResponse) =>
      response.end('{"status":"success","data":{"resultType":"matrix","result":[]}}');
    const prometheus = await serve((_request, response) => {
      if (isStuck) waiting.push(response);
      else answer(response);
    });
    try {
      const text = `prometheus: { url: '${prometheus.url}', timeout: 60s }\noutput: metrics\ninterval: 1s\ndelay: 100ms\n`;
      writeFileSync(join(folder, 'scorer.yaml'), text);
      expect(await reload(scorer)).toMatchObject({ status: 200 });
      const lastCycle = () => scorer.value('lorikeet_scorer_last_cycle_timestamp_seconds');
      await until('a cycle', async () => (await lastCycle()) > 0);
      isStuck = true;
      await until('a query to wait', () => waiting.length > 0);
      // By then it is that of a cycle.
      await sleep(2000);
      const reloaded = reload(scorer);
      // Longer than the scorer waits for the cycle.
      await sleep(7000);
      expect([await isHealthy(scorer), scorer.ended()]).toEqual([true, undefined]);
      isStuck = false;
      for (const response of waiting) answer(response);
      expect(await reloaded).toMatchObject({ status: 200 });
      expect([await isHealthy(scorer), scorer.ended()]).toEqual([true, undefined]);
    } finally {
      await prometheus.stop();
    }
  });

  it.each([
    ['is no YAML', 'a: [\n'],
    ['has an unknown key', 'intervall: 1m\n'],
    ['names a features file that is missing', 'features_file: gone.yaml\n'],
    [
      'names a certificate that is missing',
      'expected: { alertmanager: { url: "http://a", tls_config: { ca_file: gone.pem } } }\n',
    ],
  ])('keeps the running configuration when the new one %s', async (_, more) => {
    write(more);
    expect(await reload(scorer)).toMatchObject({ status: 500 });
    expect([await isHealthy(scorer), await successful(), scorer.ended()]).toEqual([true, 0, undefined]);
  });

  it('reloads what was mended, by SIGHUP', async () => {
    write('');
    const before = scorer.logged('configuration reloaded');
    scorer.signal('SIGHUP');
    await until('the reload', () => scorer.logged('configuration reloaded') === before + 1);
    expect(await successful()).toBe(1);
  });
});

describe('lorikeet-exporter', () => {
  let exporter: Running;
  const targets = join(folder, 'targets.yaml');
  const valid = 'targets: [{ namespace: shop, service: cart, addresses: [192.0.2.1] }]\n';
  beforeAll(async () => {
    writeFileSync(targets, valid);
    exporter = await run('exporter', { cwd: folder, args: ['--web.enable-lifecycle', `--targets.file=${targets}`] });
  });
  afterAll(() => exporter?.kill());

  it('survives a hundred reloads at once', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => reload(exporter)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect([await isHealthy(exporter), exporter.ended()]).toEqual([true, undefined]);
  });

  it.each([
    ['is no YAML', 'a: [\n'],
    [
      'has a target twice',
      valid.replace('}]', '}, { namespace: a, service: b, cgroup: /a }, { namespace: c, service: d, cgroup: /a }]'),
    ],
    ['is empty', ''],
  ])('keeps the running targets when the file %s', async (_, text) => {
    writeFileSync(targets, text);
    expect(await reload(exporter)).toMatchObject({ status: 500 });
    expect(await exporter.value('lorikeet_exporter_targets_last_reload_successful')).toBe(0);
    writeFileSync(targets, valid);
    expect(await reload(exporter)).toMatchObject({ status: 200 });
    expect([await isHealthy(exporter), exporter.ended()]).toEqual([true, undefined]);
  });
});
