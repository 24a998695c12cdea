import { HttpError } from '../../../daemon/http-client/client.ts';
import { describeError } from '../../../daemon/logger.ts';
import { redactUrl } from '../../../daemon/secrets/redact.ts';
import { SilencesClient } from '../../announced/silences.ts';
import type { AlertmanagerSettings } from '../../endpoints.ts';
import { PrometheusError } from '../../prometheus/client.ts';
import { type Check, type Finding, loggedByCycles, ok, someOf, warning } from '../check.ts';
import { unreachableRemedy } from '../remedies.ts';
import type { System } from '../system.ts';

/** The expressions of `maintenance`: a broken one silences nothing, and says so only in the log. */
export const maintenance: Check = {
  name: 'maintenance',
  about: 'Prometheus evaluates each expression of `maintenance`',
  queries: true,
  async run(system) {
    const { maintenance: expressions } = system.config;
    return expressions.length === 0 ? [ok('none configured')] : await evaluate(system, 'maintenance', expressions);
  },
};

/** What is announced as expected: by expressions, and by silences. */
export const expected: Check = {
  name: 'expected',
  about:
    'Prometheus evaluates each expression of `expected`, and its Alertmanager lists silences that apply to services',
  queries: true,
  async run(system) {
    const { expressions, alertmanager } = system.config.expected;
    if (expressions.length === 0 && alertmanager === undefined) return [ok('none configured')];
    return [
      ...(await evaluate(system, 'expected.expressions', expressions)),
      ...(alertmanager === undefined ? [] : [await silences(system, alertmanager)]),
    ];
  },
};

async function evaluate(system: System, key: string, expressions: readonly string[]): Promise<readonly Finding[]> {
  return await Promise.all(expressions.map((expression, index) => findingOf(system, expression, `${key}[${index}]`)));
}

async function findingOf(system: System, expression: string, name: string): Promise<Finding> {
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

async function silences({ config, timeoutMs, signal }: System, settings: AlertmanagerSettings): Promise<Finding> {
  const client = new SilencesClient({ settings, identity: config.identity, external: config.external_labels });
  const url = redactUrl(settings.url);
  try {
    const { expected: usable, unusable } = await client.fetch({ timeoutMs, ...(signal !== undefined && { signal }) });
    if (unusable.length === 0) return ok(`${url} lists ${usable.length} silences with ${settings.silence_label}`);
    return loggedByCycles(
      warning(
        `${url}: silences announce nothing: ${someOf(unusable.map(({ id, reason }) => `${id} (${reason})`))}`,
        `leave only labels of services in silences with ${settings.silence_label}`,
      ),
    );
  } catch (failure) {
    if (!(failure instanceof HttpError)) throw failure;
    return loggedByCycles(
      warning(
        `${url}: ${describeError(failure)}; no silence announces anything`,
        failure.code === 'PROTOCOL'
          ? 'correct expected.alertmanager.url (up to /api/v2), or its credentials'
          : unreachableRemedy(failure, 'expected.alertmanager'),
      ),
    );
  } finally {
    await client.close();
  }
}
