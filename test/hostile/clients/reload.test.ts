import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../scripts/free-port.ts';
import type { RunningProgram } from '../../running-program.ts';
import { serve } from '../../testserver/http.ts';
import { until } from '../../until.ts';
import { Bench, LONELY_SCORER } from '../bench.ts';
import { keeps, record } from '../table/keeps.ts';

const bench = new Bench();
afterAll(() => bench.remove());

const reload = (program: RunningProgram) => program.get('/-/reload', { method: 'POST' });

describe('lorikeet-scorer', keeps('reloads'), () => {
  let scorer: RunningProgram;
  const write = (more: string) => bench.write('scorer.yaml', LONELY_SCORER + more);
  const successful = () => scorer.value('lorikeet_scorer_config_last_reload_successful');
  beforeAll(async () => {
    write('');
    const address = `127.0.0.1:${await freePort()}`;
    scorer = await bench.start('scorer', ['--web.enable-lifecycle'], { address });
  });

  it('survives two reloads at once, four times', async () => {
    for (let time = 0; time < 4; time++) {
      const answers = await Promise.all([reload(scorer), reload(scorer)]);
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    }
    await until('the reloads', () => scorer.logged('configuration reloaded') === 8);
    expect([await scorer.isHealthy(), scorer.ended()]).toEqual([true, undefined]);
  });

  it('survives a hundred reloads at once and signals between them, with few reloads and no refused connection', async () => {
    const before = scorer.logged('configuration reloaded');
    const answers = Array.from({ length: 100 }, (_, index) => {
      if (index % 10 === 0) scorer.signal('SIGHUP');
      return reload(scorer);
    });
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([200]));
    expect(await scorer.isHealthy()).toBe(true);
    // The first one, those that came during it, and those of requests that were only then accepted.
    const reloads = scorer.logged('configuration reloaded') - before;
    record({ reloads });
    expect(reloads).toBeLessThan(50);
  });

  it('keeps the running configuration when the new one has a port that another program has', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    try {
      const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
      write(`traces: { listen_address: '${address}' }\n`);
      const { status, text } = await reload(scorer);
      expect([status, text]).toEqual([500, `Reload failed: listen ${address}: address in use\n`]);
      expect([await scorer.isHealthy(), await successful(), scorer.ended()]).toEqual([true, 0, undefined]);
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
      bench.write('scorer.yaml', text);
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
      expect([await scorer.isHealthy(), scorer.ended()]).toEqual([true, undefined]);
      isStuck = false;
      for (const response of waiting) answer(response);
      expect(await reloaded).toMatchObject({ status: 200 });
      expect([await scorer.isHealthy(), scorer.ended()]).toEqual([true, undefined]);
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
    expect([await scorer.isHealthy(), await successful(), scorer.ended()]).toEqual([true, 0, undefined]);
  });

  it('reloads what was mended, by SIGHUP', async () => {
    write('');
    const before = scorer.logged('configuration reloaded');
    scorer.signal('SIGHUP');
    await until('the reload', () => scorer.logged('configuration reloaded') === before + 1);
    expect(await successful()).toBe(1);
  });
});

describe('lorikeet-exporter', keeps('reloads'), () => {
  let exporter: RunningProgram;
  const valid = 'targets: [{ namespace: shop, service: cart, addresses: [192.0.2.1] }]\n';
  beforeAll(async () => {
    const targets = bench.write('targets.yaml', valid);
    exporter = await bench.start('exporter', ['--web.enable-lifecycle', `--targets.file=${targets}`]);
  });

  it('survives a hundred reloads at once', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => reload(exporter)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect([await exporter.isHealthy(), exporter.ended()]).toEqual([true, undefined]);
  });

  it.each([
    ['is no YAML', 'a: [\n'],
    [
      'has a target twice',
      valid.replace('}]', '}, { namespace: a, service: b, cgroup: /a }, { namespace: c, service: d, cgroup: /a }]'),
    ],
    ['is empty', ''],
  ])('keeps the running targets when the file %s', async (_, text) => {
    bench.write('targets.yaml', text);
    expect(await reload(exporter)).toMatchObject({ status: 500 });
    expect(await exporter.value('lorikeet_exporter_targets_last_reload_successful')).toBe(0);
    bench.write('targets.yaml', valid);
    expect(await reload(exporter)).toMatchObject({ status: 200 });
    expect([await exporter.isHealthy(), exporter.ended()]).toEqual([true, undefined]);
  });
});
