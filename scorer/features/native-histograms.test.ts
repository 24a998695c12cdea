import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFeatures } from './features.ts';
import { readsNative } from './native-histograms.ts';
import { RECORDING_PARTS, renderRecordingRules } from './recording-rules.ts';

describe('readsNative', () => {
  it.each([
    ['rate(a_sum[1m])', '(rate(a_sum[1m]) or histogram_sum(rate(a[1m])))'],
    [
      'sum by (x) (rate(a_seconds_sum{role="server"}[5m])) / (sum by (x) (rate(a_seconds_count{role="server"}[5m])) > 0)',
      'sum by (x) ((rate(a_seconds_sum{role="server"}[5m]) or histogram_sum(rate(a_seconds{role="server"}[5m])))) / ' +
        '(sum by (x) ((rate(a_seconds_count{role="server"}[5m]) or histogram_count(rate(a_seconds{role="server"}[5m])))) > 0)',
    ],
    [
      'histogram_quantile(0.9, sum by (namespace, service, le) (rate(a_bucket{role="server"}[1m]))) and b > 0',
      '(histogram_quantile(0.9, sum by (namespace, service, le) (rate(a_bucket{role="server"}[1m]))) or ' +
        'clamp_max(histogram_quantile(0.9, sum by (namespace, service) (rate(a{role="server"}[1m]))), 32)) and b > 0',
    ],
    ['rate(a_total{b="_sum"}[1m])', 'rate(a_total{b="_sum"}[1m])'],
    ['avg_over_time(a_count[1m])', 'avg_over_time(a_count[1m])'],
  ])('rewrites %s', (classic, native) => expect(readsNative(classic)).toBe(native));
});

describe('rules of the shipped features with native histograms', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'lorikeet-native-rules-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  const FILES = ['rules/features.yaml', 'rules/features-traces.yaml'];
  it.each(FILES.flatMap((file) => RECORDING_PARTS.map((part) => [file, part] as const)))('of %s, %s', (file, part) => {
    const text = renderRecordingRules(readFeatures(file), { part, histograms: 'native' });
    const path = join(folder, 'rules.yaml');
    writeFileSync(path, text);
    const { status, stderr } = spawnSync('promtool', ['check', 'rules', path], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    // No histogram is left that only has a classic form.
    const classic = renderRecordingRules(readFeatures(file), { part });
    const reads = (rules: string, pattern: RegExp): number => [...rules.matchAll(pattern)].length;
    expect(reads(text, / or histogram_(sum|count)\(| or clamp_max\(histogram_quantile\(/g)).toBe(
      reads(classic, /_seconds_(sum|count|bucket)\b/g),
    );
  });
});
