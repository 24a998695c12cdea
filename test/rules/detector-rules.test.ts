import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SHAPES } from '../../scorer/detectors/pattern/shapes.ts';
import { readFeatures } from '../../scorer/features/features.ts';
import { renderRecordingRules } from '../../scorer/features/recording-rules.ts';
import { renderServiceAlerts } from '../../scorer/features/service-alerts.ts';

const read = (path: string): string => readFileSync(path, 'utf8');

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'lorikeet-detector-rules-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(['agreement', 'gru_vae'])('the rules rendered for %s', (detector) => {
  beforeAll(() => {
    const features = readFeatures('rules/features.yaml');
    writeFileSync(join(folder, 'recording.yaml'), renderRecordingRules(features, { detector }));
    writeFileSync(join(folder, 'alerts.yaml'), renderServiceAlerts(read('rules/services.alerts.yaml'), detector));
  });

  it.each(['services', 'graph'])('pass the tests of the shipped ones, with its scores: %s', (name) => {
    const tests = read(`rules/tests/${name}.test.yaml`)
      .replaceAll('autoencoder', detector)
      .replace('../services.alerts.yaml', 'alerts.yaml')
      .replace('../generated/lorikeet.rules.yaml', 'recording.yaml');
    const path = join(folder, `${name}.test.yaml`);
    writeFileSync(path, tests);
    expect(tests).toContain(detector);
    expect(execFileSync('promtool', ['test', 'rules', path], { encoding: 'utf8' })).toContain('SUCCESS');
  });

  it('have no scores of another detector', () => {
    for (const name of ['recording', 'alerts']) {
      const text = read(join(folder, `${name}.yaml`));
      expect(text).not.toContain('autoencoder');
      for (const [, selector = ''] of text.matchAll(/\banomaly_score\b(\{[^}]*\})?/g)) {
        // The text of an alert names the pods of the cause by whatever detector looks at pods.
        if (name === 'alerts' && selector === '{pod!=""}') continue;
        expect([`{detector=~"${detector}|gone"}`, '{namespace=%q,service=%q,detector="gone"}']).toContain(selector);
      }
    }
  });
});

it('an agreement is explained by the detectors that agree, one detector by itself', () => {
  const shipped = read('rules/services.alerts.yaml');
  expect(renderServiceAlerts(shipped, 'agreement')).toContain('detector=~".+"');
  expect(renderServiceAlerts(shipped, 'gru_vae')).not.toContain('detector=~".+"');
  expect(renderServiceAlerts(shipped, 'autoencoder')).toBe(shipped);
});

it.each(['services', 'detectors'])('the alerts of %s have words for each pattern', (name) => {
  const text = read(`rules/${name}.alerts.yaml`);
  for (const shape of SHAPES) expect(text).toContain(`eq .Labels.pattern "${shape}"`);
});

it('the alerts of the detectors select scores by detector', () => {
  for (const [, selector = ''] of read('rules/detectors.alerts.yaml').matchAll(
    /\banomaly_(?:edge_)?score\{([^}]*)\}/g,
  )) {
    expect(selector).toMatch(/detector="\w+"/);
  }
});
