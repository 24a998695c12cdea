import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startPrometheus } from '../testserver/prometheus.ts';
import { pastFeatures } from './fed-scorer.ts';
import { byService, ScorerBed, trueTime } from './running-scorer.ts';

/** The content of the state directory of a scorer of 0.1.0 with a model of its own, which had learned three services. */
const FORMER_STATE = 'test/scorer/testdata/state-0.1.0.tar';
/** The features that it had. */
const FORMER_FEATURES = `windows: [1s, 2s, 4s]
features:
  - { name: request_rate, expr: 'm[$window]', scale: log }
  - { name: request_latency, expr: 'm[$window]', scale: log }
  - { name: memory_bytes, expr: 'm[$window]', scale: log }
edges:
  - { name: request_latency, expr: 'e[$window]', scale: log, signal: latency }
`;
const SERVICES = ['cart', 'catalog', 'payment'].map((service) => ({ namespace: 'shop', service }));
const PAST_SECONDS = 120;

const bed = new ScorerBed();
afterAll(() => bed.clear());

function extracted(folder: string): string {
  mkdirSync(folder);
  execFileSync('tar', ['-xf', FORMER_STATE, '-C', folder]);
  return folder;
}

it('the state of 0.1.0 is opened: its model is used, its services are learned anew at once', async () => {
  const prometheus = await startPrometheus({ history: pastFeatures(SERVICES, PAST_SECONDS) });
  bed.onClear(() => prometheus.stop());
  const { url } = prometheus;
  bed.play(`${url}/api/v1/write`, SERVICES);
  writeFileSync(join(bed.folder, 'former.yaml'), FORMER_FEATURES);
  const [former, state] = ['former', 'state'].map((name) => extracted(join(bed.folder, name))) as [string, string];
  const path = bed.configure('upgraded', url, `${url}/api/v1/write`, { stateDir: 'state' });
  await bed.blankScorer(path, 'former.yaml').start();
  await bed.until(
    'a score of each service',
    async () => byService((await bed.client(url).query('anomaly_score', trueTime() + 1000)).series),
    (scores) => SERVICES.every(({ service }) => (scores.get(service) ?? NaN) < 1),
    20_000,
  );

  expect(bed.log.find((line) => line.includes('model or profiles not usable'))).toMatch(
    /not a profiles file of this version/,
  );
  expect(bed.log.find((line) => line.includes('model opened'))).toContain('/fleet-f42a091b0e9e.onnx');
  const kept = (folder: string, file: string) => readFileSync(join(folder, 'models', file));
  // What a return to 0.1.0 would miss is still there.
  expect(kept(state, 'profiles.json.unusable')).toEqual(kept(former, 'profiles.json'));
  expect(kept(state, 'fleet-f42a091b0e9e.onnx')).toEqual(kept(former, 'fleet-f42a091b0e9e.onnx'));
});
