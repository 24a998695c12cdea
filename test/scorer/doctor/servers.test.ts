import { readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { examineFiles } from '../../../scorer/commands/doctor.ts';
import type { Report } from '../../../scorer/doctor/examine.ts';
import { readFeatures } from '../../../scorer/features/features.ts';
import { HISTOGRAM_FORMS } from '../../../scorer/features/native-histograms.ts';
import { renderRecordingRules } from '../../../scorer/features/recording-rules.ts';
import { serve } from '../../testserver/http.ts';
import { startPrometheus } from '../../testserver/prometheus.ts';
import { ObservedShop } from './observed-shop.ts';

const shop = new ObservedShop();
afterAll(() => shop.clear());

const of = (check: string, findings: readonly Report[]) => findings.filter((finding) => finding.check === check);

describe('doctor and the shipped rules', { timeout: 60_000 }, () => {
  const files = ['rules/features.yaml', 'rules/features-traces.yaml', 'rules/features-http-status.yaml'];
  it.each(files.flatMap((file) => HISTOGRAM_FORMS.map((form) => [file, form] as const)))(
    'takes the rules of %s with %s histograms for those of that file',
    async (file, form) => {
      const prometheus = await startPrometheus({
        config: 'rule_files: [rules.yaml, alerts.yaml]\n',
        files: {
          'rules.yaml': renderRecordingRules(readFeatures(file), { histograms: form }),
          'alerts.yaml': readFileSync('rules/services.alerts.yaml', 'utf8'),
        },
      });
      shop.onClear(() => prometheus.stop());
      const { findings } = await examineFiles(shop.configure(prometheus, { features: `${process.cwd()}/${file}` }));
      expect(of('rules', findings)).toEqual([
        { check: 'rules', status: 'ok', message: expect.stringMatching(/^all \d+ features are in \d+ rule groups$/) },
      ]);
      expect(of('alerts', findings)).toMatchObject([{ status: 'ok' }]);
    },
  );
});

describe('doctor and the server', { timeout: 60_000 }, () => {
  it('names two servers behind one address, unless they scrape the scores', async () => {
    const pair = [await startPrometheus(), await startPrometheus()];
    for (const one of pair) shop.onClear(() => one.stop());
    let connections = 0;
    const balancer = createServer((socket) => {
      const { port } = new URL(pair[connections++ % 2]?.url ?? '');
      const onward = connect(Number(port), '127.0.0.1');
      socket.pipe(onward).pipe(socket);
      for (const end of [socket, onward]) end.on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve) => balancer.listen(0, '127.0.0.1', resolve));
    shop.onClear(() => void balancer.close());
    const address = { url: `http://127.0.0.1:${(balancer.address() as AddressInfo).port}` };
    const written = await examineFiles(shop.configure(address));
    expect(of('replicas', written.findings)).toMatchObject([
      { status: 'warning', message: '2 servers answer at one address: remote write reaches only one of them' },
    ]);
    const scraped = await examineFiles(shop.configure(address, { write: '' }));
    expect(of('replicas', scraped.findings)).toMatchObject([{ status: 'ok' }]);
    const both = pair.map(({ url }) => `${url}/api/v1/write`);
    const listed = await examineFiles(shop.configure(address, { write: both }));
    expect(of('replicas', listed.findings)).toMatchObject([{ status: 'ok' }]);
    expect(of('receiver', listed.findings).map(({ status, message }) => `${status} ${message}`)).toEqual(
      both.map((url) => `ok ${url} accepts remote write`),
    );
  });

  it('examines each of several receivers, and says which one to correct', async () => {
    const prometheus = await startPrometheus();
    shop.onClear(() => prometheus.stop());
    const write = [`${prometheus.url}/api/v1/write`, `${prometheus.url}/nowhere`];
    const { findings } = await examineFiles(shop.configure(prometheus, { write }));
    expect(of('receiver', findings).map(({ status }) => status)).toEqual(['ok', 'error']);
    expect(of('receiver', findings)[1]?.remedy).toContain('correct the path in remote_write[1].url');
  });

  it('asks a receiver by the version that it accepts', async () => {
    const prometheus = await startPrometheus();
    shop.onClear(() => prometheus.stop());
    const asked: string[] = [];
    const receiver = await serve((request, response) => {
      const version = String(request.headers['x-prometheus-remote-write-version']);
      asked.push(version);
      response.writeHead(version === '2.0.0' ? 204 : 415).end();
    });
    shop.onClear(() => receiver.stop());
    const found = await examineFiles(shop.configure(prometheus, { write: receiver.url }));
    expect([of('receiver', found.findings)[0]?.status, asked.splice(0)]).toEqual(['ok', ['0.1.0', '2.0.0']]);
    const output = (message: string) => `remote_write: { url: '${receiver.url}', protobuf_message: ${message} }`;
    const configured = async (message: string) =>
      of('receiver', (await examineFiles(shop.configure(prometheus, { output: output(message) }))).findings)[0]?.status;
    expect([await configured('io.prometheus.write.v2.Request'), asked.splice(0)]).toEqual(['ok', ['2.0.0']]);
    expect([await configured('prometheus.WriteRequest'), asked.splice(0)]).toEqual(['error', ['0.1.0']]);
  });

  it('names detectors whose features nobody records', async () => {
    const prometheus = await startPrometheus();
    shop.onClear(() => prometheus.stop());
    const features = `${process.cwd()}/rules/features.yaml`;
    const configFile = shop.configure(prometheus, { features, extra: 'detectors: { instance_outlier: {} }' });
    const { findings } = await examineFiles(configFile);
    expect(of('detectors', findings)).toMatchObject([
      { status: 'warning', message: expect.stringContaining('instance_outlier reads features of pods, and none has') },
    ]);
    expect(of('detectors', findings)[0]?.remedy).toContain('lorikeet-scorer rules --part=instances');
  });

  it('names a retention that is shorter than the history to learn from', async () => {
    const prometheus = await startPrometheus();
    shop.onClear(() => prometheus.stop());
    const { findings } = await examineFiles(shop.configure(prometheus, { extra: 'learning: { history: 60d }' }));
    expect(of('limits', findings).find(({ status }) => status === 'warning')?.message).toBe(
      'the retention (30d) is shorter than learning.history (8w4d)',
    );
  });

  it('names a limit of samples that its queries exceed', async () => {
    const small = await shop.prometheus({ flags: ['--query.max-samples=20'] });
    const found = await shop.until(shop.configure(small), 'labels', (some) => some[0]?.status === 'error');
    expect(of('labels', found.findings)[0]?.message).toContain('too many samples');
    expect(of('labels', found.findings)[0]?.remedy).toContain('raise the limit of the server');
  });
});
