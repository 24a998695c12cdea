import type { Stage } from './lab.ts';
import type { Tool } from './tools.ts';

/** What a client counted and timed by itself. */
export interface Truth {
  /** Requests that were answered. */
  readonly requests: number;
  /** Milliseconds on the client's clock, from before the request (or the connection) until after the response. */
  readonly durationsMs: readonly number[];
  readonly connections?: number;
  /** Requests that stayed without a response. */
  readonly unanswered?: number;
  /** Round trips before the first request, such as a login, that count as requests. */
  readonly handshakes?: number;
  /** Bytes of the client's sockets, without TLS. */
  readonly sentBytes?: number;
  readonly receivedBytes?: number;
  /** Responses by class or gRPC code, compared if the exporter counts them. */
  readonly responses?: Readonly<Record<string, number>>;
}

/**
 * What the exporter should say. exact: the counts of both ends, and durations without idle time. absent: nothing that
 * looks like a request or a latency. counted: requests that are missing are counted as lost, and the others are exact.
 */
export type Expectation = 'exact' | 'absent' | 'exact or absent' | 'exact or counted';

/** Traffic of real programs whose requests are known. */
export interface Case {
  readonly name: string;
  /** As the servers and clients call it. */
  readonly protocol: string;
  /** Programs that a machine may lack. */
  readonly needs?: readonly Tool[];
  /** Part of `npm test`. Such a case needs nothing that scripts/setup.sh does not install. */
  readonly always?: boolean;
  /** The server's work for each request, in milliseconds: no duration is shorter. */
  readonly workMs?: number;
  readonly expected: Expectation;
  /** What is known to be wrong: the case is reported, but does not fail. */
  readonly known?: string;
  /** The service whose role of a client is compared; default: the client. */
  readonly measuredClient?: 'client' | 'server' | 'backend';
  /** Starts the servers. What they say to each other before they are ready is not counted. */
  serve(stage: Stage): Promise<void>;
  /** Runs the clients to their end. */
  ask(stage: Stage): Promise<Truth>;
}
