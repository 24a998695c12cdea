import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningPrometheus, startPrometheus } from '../../testserver/prometheus.ts';
import { type Proxy, startProxy } from '../../testserver/proxy.ts';
import { ScorerBed } from '../running-scorer.ts';

const bed = new ScorerBed();
const CART = { namespace: 'shop', service: 'cart' };
let prometheus: RunningPrometheus;
let proxy: Proxy;
let writes: Proxy;
let address: string;

const page = async (path: string) => {
  const response = await fetch(`http://${address}${path}`);
  return { status: response.status, text: await response.text() };
};
const problems = async () => {
  const { text } = await page('/metrics');
  return [...text.matchAll(/^lorikeet_scorer_problem\{check="(\w+)",severity="(\w+)"\} 1$/gm)].map(
    ([, check, severity]) => `${check} ${severity}`,
  );
};
const logged = (check: string) => bed.log.filter((line) => line.includes(`msg="problem found" check=${check}`));

describe('the problems of a running scorer', { timeout: 90_000 }, () => {
  beforeAll(async () => {
    prometheus = await startPrometheus();
    bed.onClear(() => prometheus.stop());
    proxy = await startProxy(prometheus.url);
    bed.onClear(() => proxy.stop());
    writes = await startProxy(prometheus.url);
    bed.onClear(() => writes.stop());
    const configFile = bed.configure(
      'watched',
      `http://user:hidden@${proxy.url.slice(7)}`,
      `${writes.url}/api/v1/write`,
      {
        extra: `maintenance: ['label_replace(up, "a", "b", "c", "(")']`,
      },
    );
    const app = bed.blankScorer(configFile);
    address = await app.start();
  }, 60_000);
  afterAll(() => bed.clear());

  it('is not ready without features, and says why: in the log once, as a metric and on /-/ready', async () => {
    await bed.until('problems', problems, (found) => found.includes('rules error'));
    await bed.until(
      'cycles',
      () => page('/metrics'),
      ({ text }) => /last_cycle_timestamp_seconds [1-9]/.test(text),
    );
    const found = await problems();
    for (const check of ['sources', 'rules', 'features']) expect(found).toContain(`${check} error`);
    const ready = await page('/-/ready');
    expect([ready.status, ready.text]).toEqual([503, expect.stringContaining('not ready: sources: no series of m')]);
    // Several examinations later each problem is logged once.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    for (const check of ['sources', 'rules', 'features']) expect(logged(check)).toHaveLength(1);
    expect(logged('rules')[0]).toContain('level=error');
    expect(logged('rules')[0]).toContain('remedy=');
  });

  it('names maintenance that is broken as a warning, which leaves it ready', async () => {
    expect(await problems()).toContain('maintenance warning');
    expect(logged('maintenance')[0]).toMatch(/level=warn.*invalid regular expression/);
  });

  it('becomes ready when the features come, and logs that the problems are solved', async () => {
    bed.play(`${prometheus.url}/api/v1/write`, [CART]);
    await bed.until(
      'ready',
      () => page('/-/ready'),
      ({ status }) => status === 200,
    );
    expect(await problems()).toEqual(['maintenance warning']);
    for (const check of ['rules', 'features']) {
      expect(bed.log.filter((line) => line.includes(`msg="problem solved" check=${check}`))).toHaveLength(1);
    }
  });

  it('is not ready while Prometheus fails, and names its address without the password', async () => {
    proxy.failWith = 503;
    await bed.until(
      'not ready',
      () => page('/-/ready'),
      ({ status }) => status === 503,
    );
    await bed.until('problem', problems, (found) => found.includes('prometheus error'));
    const line = bed.log.findLast((one) => one.includes('msg="cycle failed"')) ?? '';
    expect(line).toContain(`url=${proxy.url}`);
    expect(logged('prometheus').at(-1)).toContain(proxy.url);
    expect(bed.log.join('\n')).not.toContain('hidden');
    proxy.failWith = undefined;
    await bed.until(
      'ready',
      () => page('/-/ready'),
      ({ status }) => status === 200,
    );
  });

  it('learns in spite of broken maintenance, and names a receiver that refuses', async () => {
    await bed.until(
      'a score is due',
      () => page('/metrics'),
      ({ text }) => !/samples_written_total\{.*\} 0$/m.test(text),
    );
    writes.failWith = 403;
    await bed.until('problem', problems, (found) => found.includes('receiver error'));
    await bed.until(
      'not ready',
      () => page('/-/ready'),
      ({ status, text }) => status === 503 && text.includes('receiver'),
    );
    expect(logged('receiver').at(-1)).toContain('correct remote_write.basic_auth');
    writes.failWith = undefined;
    await bed.until(
      'ready',
      () => page('/-/ready'),
      ({ status }) => status === 200,
    );
  });
});
