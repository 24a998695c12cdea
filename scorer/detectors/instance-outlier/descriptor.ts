import { z } from 'zod';
import type { FeatureSet } from '../../features/features.ts';
import { stepsBetween } from '../../fleet/steps.ts';
import { NothingToLearnError } from '../error.ts';
import type { DetectorDescriptor } from '../detector.ts';
import { LearnedFileError, parseLearned, renderLearned } from '../learned-file.ts';
import type { InstanceOutlierSettings } from '../settings.ts';
import { InstanceOutlier, instancesByService } from './instance-outlier.ts';
import { type InstanceModel, instanceModelSchema, learnInstances } from './learn.ts';

const learnedSchema = z.strictObject({
  features: z.array(z.string()),
  services: z.record(z.string(), instanceModelSchema),
});

/** Steps that are compared of a service's history, evenly spread: more of them add time and no knowledge. */
const MAX_STEPS = 1440;

export const instanceOutlier: DetectorDescriptor<InstanceOutlierSettings> = {
  name: 'instance_outlier',
  summary: 'Compares the pods of a service with each other.',
  reads: (_settings, set) => ({ pod: names(set) }),
  reach: ({ warm_up: warmUp }) => warmUp,
  async learn(past, { warm_up: warmUp }) {
    const services: Record<string, InstanceModel> = {};
    const steps = stepsBetween(Math.max(past.from, past.to - MAX_STEPS + 1), past.to);
    for await (const { pods } of past.groups()) {
      for (const [service, instances] of instancesByService(pods)) {
        const there = Math.min(...instances.map(({ history }) => history.oldest)) + warmUp;
        const model = learnInstances(
          past.set.pods,
          instances,
          steps.filter((step) => step >= there),
        );
        if (model !== undefined && model.steps >= past.minSteps - warmUp) services[service] = model;
      }
      past.onProgress?.('calibrate', Object.keys(services).length / Math.max(1, past.services.length), 'instances');
    }
    if (Object.keys(services).length === 0)
      throw new NothingToLearnError('no service has three pods with enough history');
    return renderLearned('instance_outlier', { features: names(past.set), services });
  },
  async open(learned, settings, set) {
    const { services, features } = parseLearned('instance_outlier', learned, learnedSchema);
    if (features.join() !== names(set).join()) throw new LearnedFileError('it was learned on another list of features');
    return new InstanceOutlier(settings, services);
  },
};

function names({ pods }: FeatureSet): string[] {
  return pods.map(({ name }) => name);
}
