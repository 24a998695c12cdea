import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import { demoTimeValues } from './demo-time.ts';
import { readmeInstall } from './lorikeet.ts';

test('README has the command that installs the chart', () => {
  expect(readmeInstall()).toEqual(expect.arrayContaining(['install', 'lorikeet', 'build/chart/lorikeet']));
  expect(() => readmeInstall('# No command\n')).toThrow('expected a line');
});

test('the values of demo time have rule files with groups, and features of shorter windows', () => {
  const { operator, scorer } = demoTimeValues() as {
    readonly operator: { readonly ruleFiles: Readonly<Record<string, string>> };
    readonly scorer: { readonly features: string };
  };
  for (const text of Object.values(operator.ruleFiles)) expect(load(text)).toHaveProperty('groups');
  expect(scorer.features).toContain('5s');
  expect(operator.ruleFiles['services']).toContain('ServiceAnomalous');
});
