import { configuredDetectors } from '../../detectors/all.ts';
import type { SubjectKind } from '../../detectors/detector.ts';
import { EDGE_SERIES, ENDPOINT_SERIES, POD_SERIES } from '../../features/features.ts';
import { type Check, type Finding, ok, someOf, warning } from '../check.ts';
import type { System } from '../system.ts';

/** The series of the subjects beside services, which have rules of their own. */
const SERIES = { pod: POD_SERIES, endpoint: ENDPOINT_SERIES, edge: EDGE_SERIES } as const;
type Kind = keyof typeof SERIES;

/** The features that the detectors beside the autoencoder read. */
export const detectors: Check = {
  name: 'detectors',
  about: 'the features of pods, endpoints and edges that the configured `detectors` read have recent values',
  queries: true,
  async run(system) {
    const configured = configuredDetectors(system.config.detectors);
    if (configured.length === 0) return [ok('none beside the autoencoder')];
    const findings = await Promise.all(
      configured.map(async ({ descriptor, settings }) => {
        const reads = descriptor.reads(settings, system.set);
        const kinds = (Object.keys(SERIES) as Kind[]).filter((kind) => reads[kind as SubjectKind] !== undefined);
        return await Promise.all(kinds.map((kind) => findingOf(system, descriptor.name, kind, reads[kind] ?? [])));
      }),
    );
    const found = findings.flat().filter((finding) => finding !== undefined);
    return found.length > 0
      ? found
      : [ok(`${configured.map(({ descriptor }) => descriptor.name).join(', ')} can read`)];
  },
};

async function findingOf(
  system: System,
  detector: string,
  kind: Kind,
  wanted: readonly string[],
): Promise<Finding | undefined> {
  if (wanted.length === 0) {
    return warning(`${detector} reads features of ${kind}s, and the features file has none`, `add ${kind}s to it`);
  }
  const series = await system.instant(`count by (feature) (${system.recent(system.selector(SERIES[kind]))})`);
  const present = new Set(series.map(({ labels }) => labels['feature'] ?? ''));
  const missing = wanted.filter((name) => !present.has(name));
  if (missing.length < wanted.length) return undefined;
  return warning(
    `${detector} reads features of ${kind}s, and none has values: ${someOf(missing)}`,
    remedyOf(system, kind),
  );
}

function remedyOf({ readsShippedRules, featuresFile, identityFlag }: System, kind: Kind): string {
  if (kind === 'edge') return 'see rules, and whether anything has the metrics of calls';
  return readsShippedRules
    ? 'add rules/generated/lorikeet-instances.rules.yaml to rule_files and reload Prometheus'
    : `render lorikeet-scorer rules --part=instances --features.file=${featuresFile}${identityFlag}, and add it to rule_files`;
}
