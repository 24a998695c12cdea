import { CHANNELS, EDGE_SERIES, expandExpression, type Feature, SERVICE_SERIES } from '../../features/features.ts';
import { withLabels } from '../../features/labelled-expression.ts';
import { readsNative } from '../../features/native-histograms.ts';
import type { LoadedGroup } from '../../prometheus/status-api.ts';
import type { System } from '../system.ts';

interface Expression {
  readonly feature: string;
  readonly expr: string;
  /** What the server evaluates. */
  readonly loaded: string;
}

/** The features whose loaded rules have other expressions than the features file; none where this cannot be found out. */
export async function changedFeatures(system: System, groups: readonly LoadedGroup[]): Promise<string[]> {
  const all = expressions(system, groups);
  const differing = await differ(system, all);
  if (differing.length === 0) return [];
  // Rules rendered with --histograms=native read the same features.
  const native = await differ(
    system,
    differing.map((one) => ({ ...one, expr: readsNative(one.expr) })),
  );
  const changed = new Set(native.map(({ feature }) => feature));
  const names = [...system.set.features, ...system.set.edges].map(({ name }) => name);
  return [...new Set(names.filter((name) => changed.has(name)))];
}

/** Each loaded rule that records a feature of the scorer's, with the expression that it should have. */
function expressions({ config, set }: System, groups: readonly LoadedGroup[]): Expression[] {
  return groups.flatMap((group) =>
    group.rules.flatMap(({ name, query, labels = {} }) => {
      const windowMs =
        name === EDGE_SERIES ? set.windows[0] : set.windows[CHANNELS.indexOf(labels['channel'] as 'red')];
      const features: readonly Feature[] =
        name === EDGE_SERIES ? set.edges : name === SERVICE_SERIES ? set.features : [];
      const feature = features.find((one) => one.name === labels['feature']);
      if (feature === undefined || windowMs === undefined) return [];
      return [
        {
          feature: feature.name,
          expr: expandExpression({ ...feature, expr: withLabels(feature.expr, config.identity.labels) }, windowMs),
          loaded: query,
        },
      ];
    }),
  );
}

/** The expressions that differ, whatever their white space. Asks the server how it writes ours. */
async function differ({ api }: System, all: readonly Expression[]): Promise<readonly Expression[]> {
  const plain = all.filter(({ expr, loaded }) => bare(expr) !== bare(loaded));
  const formatted = await Promise.all(plain.map(async ({ expr }) => await api.formatQuery(expr)));
  // Without an answer nothing is known.
  return plain.filter(({ loaded }, index) => {
    const ours = formatted[index];
    return ours !== undefined && bare(ours) !== bare(loaded);
  });
}

function bare(expr: string): string {
  return expr.replaceAll(/\s+/g, '');
}
