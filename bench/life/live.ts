import type { ScorerConfig } from '../../scorer/config.ts';
import type { FeatureSet } from '../../scorer/features/features.ts';
import { Fleet } from '../../scorer/fleet/fleet.ts';
import { calibrate } from '../../scorer/learning/calibrate.ts';
import { clean } from '../../scorer/learning/history/clean.ts';
import { LearningPlan, type LearningSituation } from '../../scorer/learning/plan.ts';
import { needsRenewal } from '../../scorer/learning/renewal.ts';
import type { FleetModel } from '../../scorer/learning/store/model-store.ts';
import { profilesOrigin } from '../../scorer/learning/store/profile-store.ts';
import { AnnouncedHistory } from '../../scorer/announced/scopes.ts';
import type { Profiles } from '../../scorer/scoring/profiles/profiles-file.ts';
import type { Ranker } from '../../scorer/scoring/ranking/root-cause.ts';
import { scoreFleet } from '../../scorer/scoring/score-fleet.ts';
import { createExperience } from '../../scorer/scoring/experience/experience.ts';
import type { Replay } from '../../scorer/backtest/replay.ts';
import { shapeOf } from '../../scorer/tensor/tensor.ts';
import { LIVE_STEPS, Recording } from './features.ts';
import type { ShopMinute } from './world.ts';

/** First step of every life: a Monday's midnight. */
export const FIRST_STEP = 4 * 24 * 60;

/** What explains a score: its leading feature, by service and step. */
export type Leading = ReadonlyMap<string, readonly (string | undefined)[]>;

/**
 * Lives through a shop's minutes as `run` does: a cycle a minute, with learning when it is due, from the history without its
 * anomalous time. Learning takes no time here; the profiles are in use from the next minute on.
 *
 * @param ranking returns what ranks at a step, whether or not a service is anomalous
 */
export async function live(
  config: ScorerConfig,
  set: FeatureSet,
  model: FleetModel,
  minutes: Iterable<ShopMinute>,
  count: number,
  ranking?: (step: number) => Ranker | undefined,
): Promise<Replay & { readonly leading: Leading }> {
  const shape = shapeOf(set, config.steps);
  const fleet = new Fleet(set, config.interval, LIVE_STEPS);
  const recording = new Recording(set, count);
  const plan = new LearningPlan(config);
  const experience = createExperience(set, config);
  const steps: number[] = [];
  const scores = new Map<string, Float64Array>();
  const leading = new Map<string, (string | undefined)[]>();
  const anomalous = new Map<string, number[]>();
  let profiles: Profiles | undefined;
  for (const minute of minutes) {
    const index = steps.length;
    const step = FIRST_STEP + index;
    steps.push(step);
    recording.add(step, minute, fleet);
    const rank = ranking?.(step);
    const cycle = await scoreFleet(shape, set, fleet, step, profiles, model.autoencoder, {
      experience,
      ...(rank !== undefined && { rank, assumeIncident: true }),
    });
    for (const { key, score, shares } of cycle.scores) {
      if (!scores.has(key)) scores.set(key, new Float64Array(count).fill(NaN));
      scores.get(key)![index] = score;
      if (!leading.has(key)) leading.set(key, []);
      leading.get(key)![index] = shares[0]?.feature;
      if (score > 1) anomalous.set(key, [...(anomalous.get(key) ?? []), step]);
    }
    const situation = { step, states: cycle.states, services: fleet.services, knowledge: { model, profiles } };
    if (plan.isTime(situation)) {
      profiles = await renew(situation, profiles);
      plan.succeeded(situation);
    }
  }
  return { steps, scores, rankings: new Map(), leading };

  async function renew({ step }: LearningSituation, known: Profiles | undefined): Promise<Profiles> {
    const from = Math.max(FIRST_STEP, step - config.learning.history / config.interval);
    const unusual = { anomalous, maintenance: new AnnouncedHistory() };
    const { all } = experience.levels;
    const past = clean(recording.copy(from, step), unusual, config, step * config.interval, all);
    const due = past.services.filter(({ key }) => needsRenewal(known?.services.get(key), step, config));
    const calibration = { model: model.autoencoder, prior: model.prior, heldOut: false };
    const learned = await calibrate(set, config.steps, { services: due, edges: past.edges }, calibration);
    return {
      ...profilesOrigin(config, set, model.checksum, step * config.interval),
      services: new Map([...(known?.services ?? []), ...learned.services]),
      edges: new Map([...(known?.edges ?? []), ...learned.edges]),
    };
  }
}
