import { SERVICE_SERIES } from '../../features/features.ts';
import { type Check, error, type Finding, ok, someOf } from '../check.ts';
import type { InstantSeries, System } from '../system.ts';

const NAME = ['namespace', 'service'] as const;
const COLUMN = ['feature', 'channel'] as const;

/** The labels of the features: who they are of, and that nobody else is of that name. */
export const labels: Check = {
  name: 'labels',
  about: 'every series has a namespace and a service, and no service has two series of one feature',
  queries: true,
  async run(system) {
    const [nameless, doubled] = await Promise.all([namelessFinding(system), doubledFinding(system)]);
    const found = [nameless, doubled].filter((finding) => finding !== undefined);
    if (found.length > 0) return found;
    const services = await system.instant(`count(group by (${system.identity.join(', ')}) (${system.recent()}))`);
    return [ok(`${services[0]?.value ?? 0} services, each with its own series`)];
  },
};

async function namelessFinding(system: System): Promise<Finding | undefined> {
  const without = (label: string) =>
    `count by (feature) (${system.recent(system.selector(SERVICE_SERIES, { [label]: '' }))})`;
  const answers = await Promise.all(NAME.map((label) => system.instant(without(label))));
  const lacking = NAME.filter((_, index) => (answers[index]?.length ?? 0) > 0);
  if (lacking.length === 0) return undefined;
  const of = new Set(answers.flat().map((series) => series.labels['feature'] ?? ''));
  return error(
    `series without the label ${lacking.join(' or ')} belong to no service: ${someOf([...of].sort())}`,
    `aggregate by (${system.identity.join(', ')}) in the features file, and set the label where the series are scraped`,
  );
}

async function doubledFinding(system: System): Promise<Finding | undefined> {
  const by = [...system.identity, ...COLUMN].join(', ');
  const doubled = `count by (${by}) (${system.recent()}) > 1`;
  const services = await system.instant(`count by (${system.identity.join(', ')}) (${doubled})`);
  if (services.length === 0) return undefined;
  const names = services.map(({ labels: of }) => system.identity.flatMap((label) => of[label] ?? []).join('/')).sort();
  const [example] = await system.instant(`topk(1, ${doubled})`);
  const differing = example === undefined ? [] : differingLabels(await seriesOf(system, example));
  const told = differing.map(([label, values]) => `${label} is ${values.join(' or ')}`).join('; ');
  return error(
    `several series stand for one service (${someOf(names)})${told === '' ? '' : `: ${told}`}`,
    differing.length === 0
      ? 'let only one server evaluate the rules'
      : `add ${differing[0]?.[0]} to identity.labels and render the rules with it, ` +
          'or let the scorer read the series of one by prometheus.matchers',
  );
}

/** The series that have the same service, feature and channel as `example`. */
async function seriesOf(system: System, example: InstantSeries): Promise<readonly InstantSeries[]> {
  return await system.instant(system.recent(system.selector(SERVICE_SERIES, example.labels)));
}

/** The labels in which series differ, with the first of their values. */
function differingLabels(series: readonly InstantSeries[]): [label: string, values: string[]][] {
  const names = new Set(series.flatMap((one) => Object.keys(one.labels)));
  return [...names].flatMap((label): [string, string[]][] => {
    const values = new Set(series.map((one) => one.labels[label] ?? '""'));
    return values.size > 1 ? [[label, [...values].sort().slice(0, 3)]] : [];
  });
}
