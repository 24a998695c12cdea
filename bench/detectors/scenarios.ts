import type { FaultType } from '../../microsim/protocol/fault.ts';

/** The five scenarios of Nedelkoski, Cardoso and Kao (CLOUD 2019), with the mean accuracy of the paper, percent. */
export const SCENARIOS = {
  'latency, short': 85.5,
  latency: 95.3,
  'packet loss': 94.6,
  'network delay': 97.9,
  'process killed': 97,
} as const;
export type Scenario = keyof typeof SCENARIOS;

/** `full`: every intensity for every duration. `latin`: every intensity once, every duration once. */
export const DESIGNS = ['full', 'latin'] as const;
export type Design = (typeof DESIGNS)[number];

export interface PlannedFault {
  readonly scenario: Scenario;
  readonly service: string;
  readonly type: FaultType;
  /** As `lorikeet-sim fault` takes them. */
  readonly args: Readonly<Record<string, number | string>>;
  readonly durationMs: number;
}

interface ScenarioPlan {
  readonly scenario: Scenario;
  readonly type: FaultType;
  /** Arguments by rising intensity. */
  readonly intensities: readonly Readonly<Record<string, number>>[];
  readonly seconds: readonly number[];
}

const PLANS: readonly ScenarioPlan[] = [
  { scenario: 'latency, short', type: 'latency', intensities: [{ delay: 1000, jitter: 0 }], seconds: [15] },
  {
    scenario: 'latency',
    type: 'latency',
    intensities: [1000, 5000, 30_000].map((delay) => ({ delay, jitter: 0 })),
    seconds: [30, 60, 600],
  },
  {
    scenario: 'packet loss',
    type: 'packet_loss',
    intensities: [0.1, 0.2, 0.3].map((share) => ({ share })),
    seconds: [60, 300, 600],
  },
  {
    scenario: 'network delay',
    type: 'network_delay',
    intensities: [1000, 2000, 3000].map((delay) => ({ delay })),
    seconds: [60, 300, 600],
  },
  { scenario: 'process killed', type: 'crash', intensities: [{}], seconds: [60, 300, 600] },
];

/**
 * Faults take turns between services whose requests have no endpoint in common, so that the windows of the endpoints of
 * one are clean again before the next fault affects them.
 */
const SERVICES = ['payment', 'catalog'] as const;
/** Links that take turns likewise. */
const LINKS = [
  ['checkout', 'payment'],
  ['frontend', 'catalog'],
  ['frontend', 'cart'],
] as const;

/**
 * The faults of all scenarios in order.
 *
 * @param scale factor of the durations
 * @param leastMs minimum duration
 */
export function planScenarios(design: Design, scale: number, leastMs: number): PlannedFault[] {
  const planned: PlannedFault[] = [];
  for (const { scenario, type, intensities, seconds } of PLANS) {
    for (const [strength, args] of intensities.entries()) {
      for (const [place, duration] of seconds.entries()) {
        // The longest duration for the weakest fault: a square of which each row and column has one fault.
        const chosen = intensities.length === 1 || place === (strength + seconds.length - 1) % seconds.length;
        if (design === 'latin' && !chosen) continue;
        const durationMs = Math.max(leastMs, 1000 * duration * scale);
        planned.push({ scenario, type, durationMs, ...placeOf(type, args, planned.length) });
      }
    }
  }
  return planned;
}

function placeOf(type: FaultType, args: Readonly<Record<string, number>>, turn: number) {
  if (type !== 'packet_loss') return { service: SERVICES[turn % SERVICES.length]!, args };
  const [service, callee] = LINKS[turn % LINKS.length]!;
  return { service, args: { ...args, callee } };
}
