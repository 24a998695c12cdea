import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { DETECTOR_NAMES, detectorsSchema } from '../../scorer/detectors/settings.ts';
import { renderServiceAlerts } from '../../scorer/features/service-alerts.ts';
import { DEMO_DETECTORS } from './detectors.ts';

const ROOT = join(import.meta.dirname, '../..');
const rules = (name: string) => readFileSync(join(ROOT, 'rules', name), 'utf8');

interface RuleFile {
  readonly groups: readonly { readonly rules: readonly { readonly alert?: string; readonly expr: string }[] }[];
}

/** The expression of an alert in the files that the demo gives Prometheus for a detector. */
function expressionOf(alert: string, detector: string): string | undefined {
  const files = [renderServiceAlerts(rules('services.alerts.yaml'), detector), rules('detectors.alerts.yaml')];
  return files
    .flatMap((text) => (load(text) as RuleFile).groups)
    .flatMap((group) => group.rules)
    .find((rule) => rule.alert === alert)?.expr;
}

describe('DEMO_DETECTORS', () => {
  const configurable = new Set(Object.keys(detectorsSchema.unwrap().shape));

  it.each(DETECTOR_NAMES.filter((name) => configurable.has(name)))('configures %s for the scorer', (name) => {
    const { config } = DEMO_DETECTORS[name];
    expect(detectorsSchema.parse(config)).toMatchObject(config);
    expect(config).toHaveProperty(name);
  });

  it.each(DETECTOR_NAMES)('waits for an alert on scores of %s', (name) => {
    const selectors = [`{detector="${name}"}`, `{detector=~"${name}|gone"}`];
    const expr = expressionOf(DEMO_DETECTORS[name].alert, name) ?? '';
    expect(selectors.filter((selector) => expr.includes(`anomaly_score${selector}`))).toHaveLength(1);
  });
});
