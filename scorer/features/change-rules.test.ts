import { describe, expect, it } from 'vitest';
import { CHANGE_SCORE_SERIES, CHANGE_SERIES, changeRules, STATE_SERIES } from './change-rules.ts';
import { type FeatureSet, parseFeatures } from './features.ts';

/** What they compute is tested by promtool: rules/tests/changes.test.yaml, test/rules/clusters.test.ts. */

const set = (more = ''): FeatureSet =>
  parseFeatures(
    'features.yaml',
    `windows: [1m, 5m, 15m]\nfeatures: [{ name: f, scale: log, expr: "rate(f[$window])" }]\n${more}`,
  );

const stateOf = (more: string, labels?: readonly string[]) => changeRules(set(more), labels)[0]?.expr;

describe('rules of changes', () => {
  it('are none where the features tell of no changes', () => {
    expect(changeRules(set())).toEqual([]);
  });

  it('use each other in their order', () => {
    const records = changeRules(set('versions: pod_version')).map(({ record }) => record);
    expect(records).toEqual([STATE_SERIES, CHANGE_SERIES, CHANGE_SCORE_SERIES]);
  });

  it('read versions of pods, other changes of services, or both', () => {
    const versions = stateOf('versions: pod_version');
    const changes = stateOf('changes: my_flag_info');
    expect(versions).toContain('(pod_version) * on (namespace, pod) group_left (service)');
    expect(versions).not.toContain('my_flag_info');
    expect(changes).toContain('group by (namespace, service, change, version) (my_flag_info)');
    expect(changes).not.toContain('lorikeet_target_info');
    expect(stateOf('versions: pod_version\nchanges: my_flag_info')).toMatch(/pod_version.* or .*my_flag_info/);
  });

  it('keep services with further labels apart', () => {
    for (const { expr } of changeRules(set('changes: my_flag_info'), ['cluster'])) {
      const lists = [...expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].map(([, list]) => list);
      expect(lists.every((list) => list?.startsWith('cluster'))).toBe(true);
    }
  });
});
