/** A service in the present incident. */
export interface Suspect {
  readonly key: string;
  /** anomaly_score: 1 at the threshold. */
  readonly score: number;
  /** Loudness of its own trouble, traffic left out, in units of its threshold: being asked less isn't being slow. */
  readonly trouble: number;
}

/** What a caller sees of a callee, in deviations from the edge's normal; NaN where unknown. */
export interface CallEdge {
  readonly client: string;
  readonly server: string;
  /** Slower is positive. */
  readonly latency: number;
  /** More failures are positive. */
  readonly failures: number;
  /** Other answers than usual, either way. */
  readonly answers: number;
}

export interface RankedCause {
  readonly key: string;
  /** Share of the blame, all sum to 1. */
  readonly blame: number;
  /** 1 = most probable. */
  readonly rank: number;
}

/** Deviations below this are everyday noise on an edge. */
const EDGE_NOISE = 4;
/** A walk begins only at services whose score reaches this. */
const LEAST_SCORE = 0.7;
/** Weight of changed answers beside latency and failures: they change downstream of trouble too. */
const ANSWER_WEIGHT = 0.5;
const FAILURE_WEIGHT = 1.5;
/** What a service keeps of the blame whatever its callees look like. */
const LEAST_OWN = 0.05;
const MOST_STEPS = 100;

/**
 * Ranks who started the incident by an absorbing random walk: a walker starts at an anomalous service,
 * with a chance that grows with its score, and asks whom to blame. Each service either keeps the blame,
 * in proportion to its own trouble, or passes it to a callee, in proportion to how anomalous the edge to
 * that callee is. The blame is the share of walkers that stay. After the call-graph walks of MonitorRank
 * (Kim et al. 2013) and MicroRCA (Wu et al. 2020), with absorption in place of restarts.
 *
 * @returns most probable first; empty when no service is anomalous
 */
export function rankRootCauses(suspects: readonly Suspect[], edges: readonly CallEdge[]): RankedCause[] {
  const bySuspect = new Map(suspects.map((suspect) => [suspect.key, suspect]));
  const start = suspects.filter((suspect) => suspect.score >= LEAST_SCORE);
  const total = start.reduce((sum, suspect) => sum + suspect.score, 0);
  if (!(total > 0)) return [];

  const out = outgoing(edges);
  let walkers = new Map(start.map((suspect) => [suspect.key, suspect.score / total]));
  const blame = new Map<string, number>();
  const keep = (key: string, share: number) => blame.set(key, (blame.get(key) ?? 0) + share);
  for (let step = 0; step < MOST_STEPS && walkers.size > 0; step++) {
    const next = new Map<string, number>();
    for (const [key, share] of walkers) {
      const passes = out.get(key) ?? [];
      const passed = passes.reduce((sum, pass) => sum + pass.weight, 0);
      const own = LEAST_OWN + ownTrouble(bySuspect.get(key)) / (1 + passed);
      keep(key, (share * own) / (own + passed));
      for (const pass of passes) {
        next.set(pass.server, (next.get(pass.server) ?? 0) + (share * pass.weight) / (own + passed));
      }
    }
    walkers = next;
  }
  for (const [key, share] of walkers) keep(key, share);
  return [...blame]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([key, share], index) => ({ key, blame: share, rank: index + 1 }));
}

function ownTrouble(suspect: Suspect | undefined): number {
  return suspect === undefined || !(suspect.trouble > 0) ? 0 : Math.log1p(suspect.trouble);
}

function outgoing(edges: readonly CallEdge[]): Map<string, { server: string; weight: number }[]> {
  const out = new Map<string, { server: string; weight: number }[]>();
  for (const edge of edges) {
    const weight = edgeTrouble(edge);
    if (weight <= 0 || edge.client === edge.server) continue;
    const passes = out.get(edge.client) ?? [];
    passes.push({ server: edge.server, weight });
    out.set(edge.client, passes);
  }
  return out;
}

/** How much an edge points at its callee; 0 for an edge as usual. */
export function edgeTrouble(edge: CallEdge): number {
  return (
    loudness(edge.latency) + FAILURE_WEIGHT * loudness(edge.failures) + ANSWER_WEIGHT * loudness(Math.abs(edge.answers))
  );
}

/** 0 up to the noise, then growing with the logarithm: ten times slower isn't ten times the evidence. */
function loudness(deviations: number): number {
  return deviations > EDGE_NOISE ? Math.log2(deviations / EDGE_NOISE) : 0;
}
