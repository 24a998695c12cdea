import { PrometheusError } from '../../prometheus/client.ts';
import { type Check, type Finding, ok, warning } from '../check.ts';
import type { System } from '../system.ts';

/** The expressions of `maintenance`: a broken one silences nothing, and says so only in the log. */
export const maintenance: Check = {
  name: 'maintenance',
  about: 'Prometheus evaluates each expression of `maintenance`',
  queries: true,
  async run(system) {
    const { maintenance: expressions } = system.config;
    if (expressions.length === 0) return [ok('none configured')];
    return await Promise.all(expressions.map((expression, index) => findingOf(system, expression, index)));
  },
};

async function findingOf(system: System, expression: string, index: number): Promise<Finding> {
  const name = `maintenance[${index}]`;
  try {
    const active = (await system.instant(expression)).filter(({ value }) => Number.isFinite(value) && value !== 0);
    const all = active.filter(({ labels }) => system.identity.every((label) => !labels[label]));
    if (all.length === 0) return ok(`${name} is valid; ${active.length} series are active`);
    return warning(
      `${name} has a series without ${system.identity.join(' and ')}: no service alerts now`,
      `aggregate by (${system.identity.join(', ')}) to choose services`,
    );
  } catch (failure) {
    if (!(failure instanceof PrometheusError)) throw failure;
    return warning(
      `${name}: ${failure.message}; the last result stays in use, at first none`,
      `correct the PromQL of ${name}: ${expression}`,
    );
  }
}
