/** What is asked per second and what is off with each request, against what is usual; NaN where unknown. */
export interface Requests {
  readonly rate: number;
  /** Seconds that each takes longer. */
  readonly slower: number;
  /** Share of them that fails beyond the usual share. */
  readonly failing: number;
}

/** What is off with requests. */
export type Trouble = 'slower' | 'failing';

export interface ServiceRequests extends Requests {
  /** How far off that usually is by chance. */
  readonly noise: Readonly<Record<Trouble, number>>;
}

export interface AskedService {
  readonly key: string;
  /** Undefined if the features don't tell of requests. */
  readonly requests?: ServiceRequests | undefined;
}

export interface CalledEdge {
  readonly client: string;
  readonly server: string;
  /** Undefined if the features don't tell of calls. */
  readonly calls?: Requests | undefined;
}

/**
 * The evidence that a service burdens those who call it, in bits. The burden is what all its requests suffer together,
 * requests per second times seconds or failures, less all that it hands down: its calls times what is off with each. So
 * the middle of a chain is cleared by its end, and a service that few call by one that many call.
 *
 * It is measured in the largest noise, requests times the usual deviation, of the services that suffer more than their noise:
 * one unit for all whose burdens are compared, whatever the rest of the fleet does.
 *
 * @returns of each service whose requests are known
 */
export function burdenEvidence(
  services: readonly AskedService[],
  edges: readonly CalledEdge[],
  trouble: Trouble,
): ReadonlyMap<string, number> {
  const known = new Map<string, ServiceRequests>();
  for (const { key, requests } of services) {
    if (requests !== undefined && Number.isFinite(requests.rate * requests[trouble])) known.set(key, requests);
  }
  if (known.size === 0) return new Map();
  const [seen, handedDown] = [new Map<string, number>(), new Map<string, number>()];
  for (const { client, server, calls } of edges) {
    if (client === server) continue;
    const asCalled = calls?.[trouble] ?? NaN;
    const each = Number.isFinite(asCalled) ? asCalled : (known.get(server)?.[trouble] ?? NaN);
    const counted = calls?.rate ?? NaN;
    const burden = each * (Number.isFinite(counted) ? counted : mostCalls(known.get(client), known.get(server)));
    if (!Number.isFinite(burden)) continue;
    if (Number.isFinite(counted * asCalled)) seen.set(server, (seen.get(server) ?? 0) + burden);
    handedDown.set(client, (handedDown.get(client) ?? 0) + Math.max(0, burden));
  }
  const burdens = [...known].map(([key, requests]) => ({
    key,
    // In what its callers see, a slow network on the way is included.
    total: Math.max(requests.rate * requests[trouble], seen.get(key) ?? 0),
    noise: requests.noise[trouble],
  }));
  const unit = Math.max(0, ...burdens.flatMap(({ total, noise }) => (total > noise ? noise : [])));
  return new Map(
    burdens.map(({ key, total, noise }) => {
      const own = Math.max(0, total - (handedDown.get(key) ?? 0));
      return [key, own === 0 ? 0 : Math.log2(1 + own / Math.max(unit, noise))];
    }),
  );
}

/** Calls per second that weren't counted: no more than the caller is asked, and than the callee is asked. */
function mostCalls(client: ServiceRequests | undefined, server: ServiceRequests | undefined): number {
  return Math.min(client?.rate ?? Infinity, server?.rate ?? Infinity);
}
