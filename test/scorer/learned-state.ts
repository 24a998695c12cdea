import { learnEdgeScalings } from '../../scorer/scoring/profiles/scalings.ts';
import type { ScorerConfig } from '../../scorer/config.ts';
import { autoencoderShape, initialWeights } from '../../scorer/detectors/autoencoder/weights.ts';
import type { Feature, FeatureSet } from '../../scorer/features/features.ts';
import { History } from '../../scorer/fleet/history.ts';
import { calibrateServices } from '../../scorer/learning/calibrate.ts';
import { type FleetModel, fleetModelPath, fleetModels, openModel } from '../../scorer/learning/store/model-store.ts';
import { modelPaths } from '../../scorer/paths.ts';
import { saveProfiles } from '../../scorer/scoring/profiles/profiles-file.ts';
import { edgeKey, type ServiceName, serviceKey } from '../../scorer/identity/service-key.ts';
import { columnCount } from '../../scorer/features/columns.ts';
import { modelChecksum, saveModel } from '../../scorer/detectors/autoencoder/model-file.ts';
import { Random } from '../../scorer/numeric/random.ts';
import { formatDuration } from '../../daemon/config-file.ts';

export interface KnownFleet {
  readonly services: readonly ServiceName[];
  readonly edges: readonly (readonly [client: ServiceName, server: ServiceName])[];
  /** Usual value of a feature of a service or an edge, plus or minus 10 %. */
  readonly usual: (feature: Feature) => number;
}

/** Number of steps for learning the profiles. */
const LEARNED_STEPS = 300;
/** Number of steps recorded in the profiles, so that none is renewed during a test or a benchmark. */
const CLAIMED_STEPS = 1440;

/**
 * Fills a state directory with profiles of all services of a fleet, so that a scorer scores from its first cycle. All
 * are learned from one history, with the scorer's own code; if no model fits, the model is untrained.
 */
export async function saveLearnedState(config: ScorerConfig, set: FeatureSet, fleet: KnownFleet): Promise<void> {
  const model = await fittingModel(config, set);
  try {
    const shape = { features: set.features, steps: config.steps };
    const history = usualHistory(set.features, columnCount(set.features), fleet);
    const range = { from: 1, to: LEARNED_STEPS, heldOutFrom: 1, days: 7 };
    const learned = await calibrateServices(shape, [{ key: '', history, ...range }], {
      model: model.autoencoder,
      prior: model.prior,
      heldOut: false,
    });
    const usual = learned.get('');
    if (usual === undefined) throw new Error('nothing learned from the usual history');
    const now = Math.floor(Date.now() / config.interval);
    const profile = { ...usual, from: now - CLAIMED_STEPS + 1, to: now };
    const edgeHistory = usualHistory(set.edges, set.edges.length, fleet);
    const edge = learnEdgeScalings(set.edges, edgeHistory, range.from, range.to);
    await saveProfiles(modelPaths(config).profiles, {
      model: model.checksum,
      features: set.features.map(({ name }) => name),
      edgeFeatures: set.edges.map(({ name }) => name),
      windowsMs: set.windows,
      steps: config.steps,
      intervalMs: config.interval,
      learnedAtMs: Date.now(),
      services: new Map(fleet.services.map((name) => [serviceKey(name), profile])),
      edges: new Map(fleet.edges.map(([client, server]) => [edgeKey(client, server), edge])),
    });
  } finally {
    await model.autoencoder.close();
  }
}

async function fittingModel(config: ScorerConfig, set: FeatureSet): Promise<FleetModel> {
  const { base } = modelPaths(config);
  const open = async () => (await openModel([...fleetModels(config), base], set, config.steps)).model;
  const fitting = await open();
  if (fitting !== undefined) return fitting;
  const at = new Date().toISOString();
  const weights = initialWeights(autoencoderShape(config.steps.length, set.features.length), 1);
  await saveModel(fleetModelPath(config, modelChecksum(weights)), weights, {
    features: set.features.map(({ name }) => name),
    windows: set.windows.map(formatDuration),
    steps: [...config.steps],
    trained: { from: at, to: at, windows: 0, seconds: 0 },
  });
  const made = await open();
  if (made === undefined) throw new Error('the model that was just saved is not usable');
  return made;
}

function usualHistory(features: readonly Feature[], width: number, { usual }: KnownFleet): History {
  const random = new Random(1);
  const history = new History(width, LEARNED_STEPS + 1);
  for (let step = 1; step <= LEARNED_STEPS; step++) {
    for (let column = 0; column < width; column++) {
      const feature = features[column % features.length];
      if (feature !== undefined) history.put(step, column, usual(feature) * (0.9 + 0.2 * random.uniform()));
    }
  }
  return history;
}
