import { type Check, ok, someOf, warning } from '../check.ts';

/** The alerting rules: scores that nobody is woken by. */
export const alerts: Check = {
  name: 'alerts',
  about: 'alerting rules read the scores',
  queries: true,
  async run(system) {
    const { identityFlag } = system;
    const groups = await system.ruleGroups();
    // A server without any rule may leave them to another program, such as vmalert.
    if (groups === undefined || groups.length === 0) return [ok('the server does not list its rules')];
    const rules = groups.flatMap((group) => group.rules);
    const names = rules.filter(({ type, query }) => type === 'alerting' && query.includes('anomaly_score'));
    if (names.length > 0) return [ok(`${someOf([...new Set(names.map(({ name }) => name))])} read the scores`)];
    return [
      warning(
        'no alerting rule reads anomaly_score',
        identityFlag === ''
          ? 'add rules/services.alerts.yaml to rule_files and reload Prometheus'
          : `render lorikeet-scorer rules --part=alerts${identityFlag}, add it to rule_files and reload Prometheus`,
      ),
    ];
  },
};
