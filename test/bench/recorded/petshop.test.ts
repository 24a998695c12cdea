import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fromPetShop } from '../../../bench/recorded/petshop/convert.ts';
import { readRecording } from '../../../bench/recorded/recording.ts';
import { writeRecording } from '../../../bench/recorded/write-recording.ts';
import { metricsOf } from './metrics-of.ts';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-petshop-'));
afterAll(() => rmSync(folder, { recursive: true }));

const put = (file: string, text: string) => {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
};
const metrics = (...rows: readonly string[]) =>
  ['microservice,site,db', 'metric,latency,requests', 'statistic,Average,Sum', 'unix_timestamp,,', ...rows, ''].join(
    '\n',
  );
const START = Date.UTC(2024, 5, 2, 9) / 1000;

test('issues of another month follow the normal time, at their time of day', async () => {
  const issue = Date.UTC(2024, 0, 1, 22, 2) / 1000;
  const target = { node: 'site', metric: 'latency', agg: 'Average', timestamp: issue + 400 };
  put('noissue/metrics.csv', metrics(`${START},0.5,100`, `${START + 300},,101`));
  put('train/issue_0/metrics.csv', metrics(`${issue + 3600},4,70`));
  put('train/issue_0/target.json', JSON.stringify({ target, root_cause: { node: 'site' } }));
  put('test/issue_0/metrics.csv', metrics(`${issue},2,90`, `${issue + 300},3,80`));
  put('test/issue_0/target.json', JSON.stringify({ target, root_cause: { node: 'db', metric: null }, metadata: {} }));
  put('graph.csv', ',site,db\nsite,0.0,1.0\ndb,0.0,0.0\n');

  const to = join(folder, 'converted');
  await writeRecording(to, fromPetShop(folder));
  const { intervalMs, faults } = readRecording(to);
  const start = Date.UTC(2024, 5, 2, 22, 2);
  expect(intervalMs).toBe(300_000);
  const ofSite = { type: 'latency', alarmed: '["default","site"]' };
  expect(faults).toEqual([
    { startMs: start, endMs: start + 300_000, key: '["default","db"]', ...ofSite },
    { startMs: start + 3_600_000, endMs: start + 3_600_000, key: '["default","site"]', ...ofSite },
  ]);
  const lines = await metricsOf(to);
  const latency = 'component_latency{namespace="default",service="site",statistic="average"}';
  expect(lines.filter((line) => line.startsWith(latency))).toEqual([
    `${latency} 0.5 ${START}`,
    `${latency} 2 ${start / 1000}`,
    `${latency} 3 ${start / 1000 + 300}`,
    `${latency} 4 ${start / 1000 + 3600}`,
  ]);
  const calls = lines.filter((line) => line.startsWith('calls{'));
  expect(calls).toHaveLength(5);
  expect(calls[0]).toContain('client_service="site",server_namespace="default",server_service="db"');
});
