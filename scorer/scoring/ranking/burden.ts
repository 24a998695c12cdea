/** What is off with requests. */
export type Trouble = 'slower' | 'failing';

/** What is asked per second and what is off with each request, against what is usual; NaN where unknown. */
export interface ServiceRequests {
  readonly rate: number;
  /** Seconds that each takes longer. */
  readonly slower: number;
  /** Share of them that fails beyond the usual share. */
  readonly failing: number;
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
  /** True if the calls themselves are counted; false if they are known from a call graph alone. */
  readonly counted: boolean;
}

/**
 * The evidence that a service burdens those who call it, in bits, where only a graph of the calls is known: where they are
 * counted, callers themselves say whom they wait for. The burden is what all its requests suffer together, requests per second
 * times seconds or failures, less all that it hands down: what each callee's requests suffer, for no more of them than either
 * end has. So the middle of a chain is cleared by its end, and a service that few call by one that many call.
 *
 * It is measured in the largest noise, requests times the usual deviation, of the services that suffer more than their noise:
 * one unit for all whose burdens are compared, whatever the rest of the fleet does.
 *
 * @returns of each service whose requests are known, but not its calls
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
  const calls = edges.filter(({ client, server }) => client !== server);
  for (const { client, server, counted } of calls) {
    if (counted) for (const end of [client, server]) known.delete(end);
  }
  if (known.size === 0) return new Map();
  const handedDown = new Map<string, number>();
  for (const { client, server } of calls) {
    const callee = known.get(server);
    if (callee === undefined) continue;
    const most = Math.min(known.get(client)?.rate ?? Infinity, callee.rate);
    handedDown.set(client, (handedDown.get(client) ?? 0) + Math.max(0, most * callee[trouble]));
  }
  const burdens = [...known].map(([key, requests]) => ({
    key,
    total: requests.rate * requests[trouble],
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
