import { EDGE_SERIES, SERVICE_SERIES } from '../../features/features.ts';
import type { LoadedGroup, LoadedRule } from '../../prometheus/status-api.ts';
import { type Check, error, type Finding, ok, someOf, warning } from '../check.ts';
import type { System } from '../system.ts';
import { changedFeatures } from './rule-expressions.ts';

/** The recording rules: loaded, healthy, and rendered from the features file that the scorer reads. */
export const rules: Check = {
  name: 'rules',
  about: 'the recording rules are loaded, healthy, and rendered from the features file that the scorer reads',
  queries: true,
  async run(system) {
    const groups = await recordingGroups(system);
    const recorded = await recordedFeatures(system, groups);
    if (recorded.services.size === 0) return [notLoaded(system)];
    const failing = failures(groups);
    const other = await otherFile(system, groups, recorded);
    if (failing.length + other.length > 0) return [...failing, ...other];
    const where = groups.length === 0 ? 'recorded elsewhere' : `in ${groups.length} rule groups`;
    return [ok(`all ${system.set.features.length} features are ${where}`)];
  },
};

/** The loaded groups that record features; none where the server does not list its rules. */
export async function recordingGroups(system: System): Promise<readonly LoadedGroup[]> {
  const groups = (await system.ruleGroups()) ?? [];
  const records = ({ type, name }: LoadedRule) =>
    type === 'recording' && (name === SERVICE_SERIES || name === EDGE_SERIES);
  return groups.filter((group) => group.rules.some(records));
}

interface Recorded {
  readonly services: ReadonlySet<string>;
  readonly edges: ReadonlySet<string>;
}

/** The names of the features that are recorded, by the loaded rules or, without any, by their series. */
async function recordedFeatures(system: System, groups: readonly LoadedGroup[]): Promise<Recorded> {
  if (groups.length > 0) {
    const of = (series: string) =>
      groups.flatMap((group) =>
        group.rules.filter(({ name }) => name === series).flatMap(({ labels }) => labels?.['feature'] ?? []),
      );
    return { services: new Set(of(SERVICE_SERIES)), edges: new Set(of(EDGE_SERIES)) };
  }
  const names = async (series: string) =>
    new Set(
      (await system.instant(`count by (feature) (${system.recent(system.selector(series))})`)).flatMap(
        ({ labels }) => labels['feature'] ?? [],
      ),
    );
  const [services, edges] = await Promise.all([names(SERVICE_SERIES), names(EDGE_SERIES)]);
  return { services, edges };
}

function notLoaded(system: System): Finding {
  return error(
    `no recording rule for ${SERVICE_SERIES} is loaded, and the series does not exist`,
    system.readsShippedRules
      ? 'add rules/generated/lorikeet.rules.yaml to rule_files and reload Prometheus'
      : `${render(system)}, add it to rule_files and reload Prometheus`,
  );
}

/** A finding for each rule that fails, and each group that takes longer than its interval. */
function failures(groups: readonly LoadedGroup[]): Finding[] {
  return groups.flatMap(({ name, interval = Infinity, evaluationTime = 0, rules: of }) => {
    const failed = of.find(({ health }) => health === 'err');
    const slow = evaluationTime > interval;
    return [
      ...(failed === undefined
        ? []
        : [error(`rule group ${name} fails: ${failed.lastError}`, 'correct the expression in the features file')]),
      ...(slow
        ? [
            warning(
              `rule group ${name} takes longer than its interval (${interval}s)`,
              'raise --interval of lorikeet-scorer rules and interval of the scorer, or give Prometheus more CPU',
            ),
          ]
        : []),
    ];
  });
}

/** What shows that the rules come from another features file than the scorer reads. */
async function otherFile(system: System, groups: readonly LoadedGroup[], recorded: Recorded): Promise<Finding[]> {
  const { set, featuresFile } = system;
  const wanted = set.features.map(({ name }) => name);
  const missing = wanted.filter((name) => !recorded.services.has(name));
  const unknown = [...recorded.services].filter((name) => !wanted.includes(name));
  const remedy = `set features_file to the file that the rules come from, or ${render(system)} and reload Prometheus`;
  const reads = `the scorer reads ${featuresFile}`;
  if (missing.length === wanted.length) {
    return [error(`the rules record ${someOf(unknown)}; ${reads}, which has none of these features`, remedy)];
  }
  if (missing.length > 0) {
    return [warning(`${reads}, but no rule records ${someOf(missing)}`, remedy)];
  }
  if (unknown.length > 0) {
    return [warning(`the rules record ${someOf(unknown)}, which the scorer ignores: ${reads}`, remedy)];
  }
  const edges = set.edges.map(({ name }) => name).filter((name) => !recorded.edges.has(name));
  // Series of edges exist only where there are calls: their absence proves nothing.
  if (groups.length > 0 && edges.length > 0) {
    return [warning(`${reads}, but no rule records ${someOf(edges)} of edges`, remedy)];
  }
  const changed = await changedFeatures(system, groups);
  if (changed.length === 0) return [];
  return [warning(`the rules compute ${someOf(changed)} by other expressions or windows: ${reads}`, remedy)];
}

function render({ featuresFile, identityFlag }: System): string {
  return `render them with lorikeet-scorer rules --features.file=${featuresFile}${identityFlag} --output=lorikeet.rules.yaml`;
}
