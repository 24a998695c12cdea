import { z } from 'zod';
import type { FeatureSet } from '../../features/features.ts';
import type { Graph } from '../../network/graph.ts';
import { layoutSize } from '../../network/parameters.ts';
import type { TrainableNetwork } from '../../network/training-graph.ts';
import { trainNetwork } from '../../training/train-network.ts';
import { type DetectorDescriptor, type FeatureNames, SUBJECT_KINDS, type SubjectKind } from '../detector.ts';
import { NothingToLearnError } from '../error.ts';
import { decodeWeights, encodeWeights, LearnedFileError, parseLearned, renderLearned } from '../learned-file.ts';
import { learnSequences, type SequenceLearning } from './learn.ts';
import { Reconstruction, sequenceBatches } from './reconstruction.ts';
import { SequenceDetector, type SequenceSource, subjectModelSchema } from './sequence-detector.ts';

/** What one sequence detector has of its own. */
export interface SequenceKind<Settings extends SequenceSettings> {
  readonly name: string;
  readonly summary: string;
  /** The features to read, by kind of subject. All kinds have equally many. */
  readonly features: (settings: Settings) => FeatureNames;
  readonly network: (settings: Settings, columns: number) => TrainableNetwork;
  /** Input `x`, output `reconstruction`, both [batch, window, columns]. */
  readonly inference: (settings: Settings, columns: number, weights: Float32Array) => Graph;
  /** The settings that decide the network's layout. */
  readonly shape: (settings: Settings) => Readonly<Record<string, number>>;
}

export interface SequenceSettings extends SequenceLearning {
  readonly learning_rate: number;
  readonly epochs: number;
  readonly patience: number;
  readonly batch: number;
}

const learnedSchema = z.strictObject({
  shape: z.record(z.string(), z.number()),
  features: z.partialRecord(z.enum(SUBJECT_KINDS), z.array(z.string())),
  /** By `encodeWeights`. */
  weights: z.string(),
  subjects: z.partialRecord(z.enum(SUBJECT_KINDS), z.record(z.string(), subjectModelSchema)),
});

/** A detector that reconstructs sequences, whatever its network. */
export function sequenceDescriptor<Settings extends SequenceSettings>(
  kind: SequenceKind<Settings>,
): DetectorDescriptor<Settings> {
  const { name, summary } = kind;
  return {
    name,
    summary,
    reads: (settings) => kind.features(settings),
    reach: ({ window, smoothing, tolerance }) => window + smoothing + tolerance - 2,
    async learn(past, settings) {
      const sources = sourcesOf(past.set, kind.features(settings));
      const columns = sources[0]?.columns.length ?? 0;
      if (columns === 0) throw new NothingToLearnError('the features file has none of the features to learn from');
      const network = kind.network(settings, columns);
      let weights = new Float32Array();
      const learned = await learnSequences(past, sources, settings, async (sequences) => {
        const { values } = await trainNetwork(network, sequenceBatches(sequences), {
          epochs: settings.epochs,
          patience: settings.patience,
          batch: settings.batch,
          learningRate: settings.learning_rate,
          validationShare: settings.validation_share,
          seed: past.seed,
          ...(past.signal !== undefined && { signal: past.signal }),
          onProgress: ({ epoch, epochs, trainingLoss }) =>
            past.onProgress?.('train', epoch / epochs, `${name}, epoch ${epoch}, loss ${trainingLoss.toPrecision(4)}`),
        });
        weights = new Float32Array(values);
        return await Reconstruction.open(kind.inference(settings, columns, weights), name, settings.window, columns);
      });
      await learned.network.close();
      return renderLearned(name, {
        shape: kind.shape(settings),
        features: Object.fromEntries(
          sources.map((source) => [source.kind, source.features.map((feature) => feature.name)]),
        ),
        weights: encodeWeights(weights),
        subjects: learned.subjects,
      });
    },
    async open(bytes, settings, set) {
      const learned = parseLearned(name, bytes, learnedSchema);
      const sources = sourcesOf(set, learned.features);
      const columns = sources[0]?.columns.length ?? 0;
      const misfit = misfitOf(learned, kind, settings, sources);
      if (misfit !== undefined) throw new LearnedFileError(misfit);
      const weights = decodeWeights(learned.weights, layoutSize(kind.network(settings, columns).layout));
      const graph = kind.inference(settings, columns, weights);
      const network = await Reconstruction.open(graph, name, settings.window, columns);
      return new SequenceDetector(name, sources, settings, network, learned.subjects);
    },
  };
}

function kindsOf(features: FeatureNames): SubjectKind[] {
  return SUBJECT_KINDS.filter((kind) => (features[kind]?.length ?? 0) > 0);
}

/** Where a feature's values lie in a history of its kind: of services, the shortest window. */
function sourcesOf(set: FeatureSet, features: FeatureNames): SequenceSource[] {
  const lists = { service: set.features, edge: set.edges, pod: set.pods, endpoint: set.endpoints };
  const sources = kindsOf(features).map((kind) => {
    const columns = (features[kind] ?? []).map((name) => lists[kind].findIndex((feature) => feature.name === name));
    const known = columns.filter((column) => column >= 0);
    return { kind, columns: known, features: known.map((column) => lists[kind][column]!) };
  });
  return sources.filter(({ columns }) => columns.length > 0);
}

function misfitOf<Settings extends SequenceSettings>(
  learned: z.output<typeof learnedSchema>,
  kind: SequenceKind<Settings>,
  settings: Settings,
  sources: readonly SequenceSource[],
): string | undefined {
  if (JSON.stringify(learned.shape) !== JSON.stringify(kind.shape(settings)))
    return 'it was learned with other settings';
  const wanted = sourcesNames(sources);
  return JSON.stringify(learned.features) === JSON.stringify(wanted) ? undefined : 'it was learned on other features';
}

function sourcesNames(sources: readonly SequenceSource[]): Record<string, string[]> {
  return Object.fromEntries(sources.map(({ kind, features }) => [kind, features.map(({ name }) => name)]));
}
