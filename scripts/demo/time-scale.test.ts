import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { describe, expect, it, test } from 'vitest';
import { scaleAlerts, scaleDuration, scaleYaml } from './time-scale.ts';

describe('scaleDuration', () => {
  it.each([
    ['1m', '5s'],
    ['5m', '25s'],
    ['1h', '5m'],
    ['6s', '1s'],
  ])('%s becomes %s', (shipped, demo) => expect(scaleDuration(shipped)).toBe(demo));

  it('rejects an invalid duration', () => expect(() => scaleDuration('soon')).toThrow('not a duration: soon'));
});

test('scaleAlerts scales how long alerts are pending, and what looks back as far', () => {
  const shipped = readFileSync('rules/services.alerts.yaml', 'utf8');
  expect(shipped).toContain('[90s]');
  const [demo, scaled] = [scaleDuration('90s'), scaleAlerts(shipped)];
  expect(scaled).not.toContain('90s');
  for (const text of [`for: ${demo}`, `[${demo}]`, `offset ${demo}`, 'offset 30m']) expect(scaled).toContain(text);
});

describe('scaleYaml', () => {
  it('scales only the values of the named keys, including lists', () => {
    const text = 'windows: [1m, 5m]\nrules: [{ for: 2m, expr: "rate(x[1m]) > 1" }]\nnote: 1m\n';
    expect(load(scaleYaml(text, ['windows', 'for']))).toEqual({
      windows: ['5s', '25s'],
      rules: [{ for: '10s', expr: 'rate(x[1m]) > 1' }],
      note: '1m',
    });
  });
});
