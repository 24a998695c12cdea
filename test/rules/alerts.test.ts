import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';

interface Alert {
  readonly alert?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const NAMES = ['services', 'detectors', 'lorikeet'];
const alerts = NAMES.flatMap((name) =>
  (
    load(readFileSync(`rules/${name}.alerts.yaml`, 'utf8')) as { groups: readonly { rules: readonly Alert[] }[] }
  ).groups.flatMap(({ rules }) => rules),
);
const runbooks = readdirSync('docs/runbooks', { encoding: 'utf8', recursive: true });
const tests = NAMES.map((name) => readFileSync(`rules/tests/${name}.test.yaml`, 'utf8')).join('\n');

describe.each(alerts.map((alert) => [alert.alert ?? '', alert] as const))('%s', (name, { labels, annotations }) => {
  it('has summary, severity and runbook', () => {
    expect(['warning', 'critical']).toContain(labels['severity']);
    expect(Object.keys(annotations).sort()).toEqual(['dashboard_path', 'description', 'runbook_url', 'summary']);
  });

  it('links to an existing runbook', () => {
    expect(annotations['runbook_url']).toBe(`https://lorikeet.dev/runbooks/${name}`);
    const paths = runbooks.filter((path) => basename(path) === `${name}.md`);
    expect(paths).toHaveLength(1);
    expect(readFileSync(`docs/runbooks/${paths[0]}`, 'utf8')).toMatch(
      /^# .*\n\n\*\*Meaning\.\*\*[^]*\*\*Impact\.\*\*[^]*\*\*Look\.\*\*[^]*\*\*Act\.\*\*/,
    );
  });

  it('has tests for firing and silence', () => {
    const of = tests.split(/\n(?= {6}- )/).filter((check) => new RegExp(`alertname: ${name}\\b`).test(check));
    expect(of.some((check) => check.includes('exp_alerts: []'))).toBe(true);
    expect(of.some((check) => check.includes('exp_labels'))).toBe(true);
  });
});
