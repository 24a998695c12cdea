import { instanceOutlier } from '../../scorer/detectors/instance-outlier/descriptor.ts';
import { type FeatureSet, readFeatures } from '../../scorer/features/features.ts';
import type { Detector } from '../../scorer/detectors/detector.ts';
import { Fleet } from '../../scorer/fleet/fleet.ts';
import { stepsBetween } from '../../scorer/fleet/steps.ts';
import { instanceName } from '../../scorer/identity/service-key.ts';
import { Random } from '../../scorer/numeric/random.ts';
import { SHIPPED_FEATURES } from '../../scorer/paths.ts';
import { pastOfFleet } from './past.ts';
import { percent, renderRows, type Table } from './results.ts';

/** Usual values of a pod with moderate load, and the standard deviation of the logarithm of its own noise. */
const USUAL: Readonly<Record<string, readonly [value: number, noise: number]>> = {
  request_rate: [8, 0.08],
  request_latency: [0.02, 0.12],
  failed_responses_share: [0.002, 0.5],
  sent_bytes_per_request: [4000, 0.04],
  connect_failure_rate: [0, 0],
  cpu_cores: [0.1, 0.08],
  memory_bytes: [2e8, 0.02],
  syscall_rate: [900, 0.08],
  mmap_rate: [5, 0.2],
  page_fault_rate: [60, 0.25],
  block_request_rate: [2, 0.4],
  file_open_rate: [3, 0.3],
  process_event_rate: [0.2, 0.4],
};
/** Features that follow the load of the service. */
const FOLLOW_LOAD = new Set(['request_rate', 'cpu_cores', 'syscall_rate', 'mmap_rate', 'page_fault_rate']);

/** How one replica differs: the feature, and its factors from slight to clear. */
const DIFFERENCES = [
  ['latency', 'request_latency', [1.5, 2, 3]],
  ['CPU', 'cpu_cores', [1.5, 2, 3]],
  ['errors, usually 0.2 %,', 'failed_responses_share', [10, 25, 100]],
  ['memory', 'memory_bytes', [1.25, 1.5, 2]],
] as const;

const PODS = 5;
const BROKEN = 2;
const LEARNED = 300;
const HOUR = 60;
const MINUTE_MS = 60_000;
/** A step depends this much on the one before: disturbances last for minutes. */
const MEMORY = 0.6;
/** Replicas differ for good by this standard deviation of the logarithm. */
const PERMANENT = 0.05;
/** A value of a pod is far off now and then, by this standard deviation of the logarithm. */
const SPIKE = 0.4;
/** Probability of a spike of one feature: none, about one an hour and service, one each quarter of an hour. */
const SPIKES = [0, 1 / 4000, 1 / 1000] as const;
const USUAL_SPIKES = SPIKES[1];

export interface Difference {
  readonly feature: string;
  readonly factor: number;
}

export interface DrawOptions {
  readonly seed: number;
  readonly difference?: Difference | undefined;
  /** Probability of a spike. */
  readonly spikes?: number;
}

/**
 * Five replicas of one service for five hours, and for one more in which one of them may differ. All follow one load; each
 * has noise of its own that lasts, differs a little for good, and has spikes.
 */
export function drawReplicas(set: FeatureSet, options: DrawOptions): Fleet {
  const { seed, difference, spikes = USUAL_SPIKES } = options;
  const random = new Random(seed);
  const steps = LEARNED + HOUR;
  const fleet = new Fleet(set, MINUTE_MS, steps + 1);
  const load = lasting(random, steps, 0.1).map((noise, step) => Math.exp(noise + 0.4 * Math.sin(step / 60)));
  const timestamps = Float64Array.from({ length: steps }, (_, index) => (index + 1) * MINUTE_MS);
  for (let pod = 0; pod < PODS; pod++) {
    for (const { name } of set.pods) {
      const [usual, deviation] = USUAL[name] ?? [1, 0.1];
      const own = PERMANENT * random.normal();
      const noise = lasting(random, steps, deviation);
      const values = timestamps.map((_, index) => {
        const spike = random.uniform() < spikes ? Math.abs(SPIKE * random.normal()) : 0;
        const shared = FOLLOW_LOAD.has(name) ? load[index]! : 1;
        const differs = pod === BROKEN && name === difference?.feature ? factorAt(index + 1, difference.factor) : 1;
        return usual * shared * Math.exp(own + noise[index]! + spike) * differs;
      });
      const labels = { namespace: 'shop', service: 'cart', pod: `cart-${pod}`, feature: name };
      fleet.addPod({ labels, timestamps, values });
    }
  }
  return fleet;
}

/** The window of rates of the first step is half before the change. */
function factorAt(step: number, factor: number): number {
  if (step <= LEARNED) return 1;
  return step === LEARNED + 1 ? (1 + factor) / 2 : factor;
}

function lasting(random: Random, steps: number, deviation: number): number[] {
  const fresh = deviation * Math.sqrt(1 - MEMORY ** 2);
  let last = deviation * random.normal();
  return Array.from({ length: steps }, () => (last = MEMORY * last + fresh * random.normal()));
}

/** What the detector finds in the last hour. */
export interface ReplicaOutcome {
  /** The replica that differs was found at the first or second step. */
  readonly found: boolean;
  /** Share of the steps after the second at which it is found. */
  readonly stays: number;
  /** Another replica was found once, and twice in a row. */
  readonly othersOnce: boolean;
  readonly othersTwice: boolean;
  /** Likewise any replica. */
  readonly anyOnce: boolean;
  readonly anyTwice: boolean;
}

export async function judgeReplicas(set: FeatureSet, fleet: Fleet): Promise<ReplicaOutcome> {
  const settings = { warm_up: 3 };
  const past = pastOfFleet(set, fleet, { from: 1, to: LEARNED, minSteps: HOUR, seed: 1 });
  const detector = await instanceOutlier.open(await instanceOutlier.learn(past, settings), settings, set);
  const found = await findings(detector, set, fleet);
  const broken = found.get(`cart-${BROKEN}`) ?? new Set();
  const others = [...found].filter(([pod]) => pod !== `cart-${BROKEN}`).map(([, steps]) => steps);
  return {
    found: broken.has(LEARNED + 1) || broken.has(LEARNED + 2),
    stays: [...broken].filter((step) => step > LEARNED + 2).length / (HOUR - 2),
    othersOnce: others.some((steps) => steps.size > 0),
    othersTwice: others.some((steps) => isTwiceInARow(steps)),
    anyOnce: found.size > 0,
    anyTwice: [...found.values()].some((steps) => isTwiceInARow(steps)),
  };
}

function isTwiceInARow(steps: ReadonlySet<number>): boolean {
  return [...steps].some((step) => steps.has(step + 1));
}

async function findings(detector: Detector, set: FeatureSet, fleet: Fleet): Promise<Map<string, Set<number>>> {
  const found = new Map<string, Set<number>>();
  for (const step of stepsBetween(LEARNED + 1, LEARNED + HOUR)) {
    for (const { key, score } of await detector.score({ set, fleet }, step)) {
      if (score <= 1) continue;
      const { instance } = instanceName(key);
      found.set(instance, (found.get(instance) ?? new Set()).add(step));
    }
  }
  return found;
}

/** One different replica in five, and an hour without. */
export async function compareReplicas(drawn: number): Promise<Table> {
  const set = readFeatures(SHIPPED_FEATURES);
  const rows: string[][] = [];
  for (const [name, feature, factors] of DIFFERENCES) {
    for (const factor of factors) rows.push([`${name} x ${factor}`, ...(await cells(set, drawn, { feature, factor }))]);
  }
  for (const spikes of SPIKES) {
    const quiet = await outcomes(set, drawn, { spikes });
    const share = (of: (outcome: ReplicaOutcome) => boolean) => percent(quiet.filter(of).length / quiet.length);
    rows.push([
      `an hour without, ${spikes === 0 ? 'no spikes' : `1 spike in ${1 / spikes} values`}`,
      '-',
      '-',
      share(({ anyOnce }) => anyOnce),
      share(({ anyTwice }) => anyTwice),
    ]);
  }
  return {
    name: 'replicas',
    markdown:
      `\`instance_outlier\`: one of five replicas differs, ${drawn} synthetic services for each row, one hour in steps ` +
      `of a minute after five hours to learn from. Noise lasts for minutes, replicas differ by 5 % for good, and ` +
      `1 value in ${1 / USUAL_SPIKES} is a spike. The first step shows half of the difference.\n\n` +
      renderRows(
        [
          'difference',
          'found within two cycles',
          'cycles found after',
          'another pod, one cycle',
          'two cycles in a row',
        ],
        rows,
      ),
  };
}

async function cells(set: FeatureSet, drawn: number, difference: Difference): Promise<string[]> {
  const all = await outcomes(set, drawn, { difference });
  const share = (of: (outcome: ReplicaOutcome) => boolean) => percent(all.filter(of).length / all.length);
  const stays = all.reduce((sum, outcome) => sum + outcome.stays, 0) / all.length;
  return [
    share(({ found }) => found),
    percent(stays),
    share(({ othersOnce }) => othersOnce),
    share(({ othersTwice }) => othersTwice),
  ];
}

async function outcomes(set: FeatureSet, drawn: number, options: Omit<DrawOptions, 'seed'>): Promise<ReplicaOutcome[]> {
  const all: ReplicaOutcome[] = [];
  for (let seed = 1; seed <= drawn; seed++) all.push(await judgeReplicas(set, drawReplicas(set, { seed, ...options })));
  return all;
}
