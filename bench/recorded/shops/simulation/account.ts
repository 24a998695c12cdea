import type { Random } from '../../../../scorer/numeric/random.ts';
import type { Answers } from '../laws/answers.ts';
import { binomial, divide, poisson } from '../laws/counts.ts';
import type { Duration } from '../laws/duration.ts';
import type { Behaviour } from './behaviour.ts';
import type { Replica } from './replica.ts';
import type { CallState, ServiceState } from './state.ts';

/** Standard deviation of the bytes of a message, as a share of their mean. */
const BYTES_VARIATION = 0.4;
/** Of a process without requests. */
const IDLE_CORES = 0.004;
/** Memory of a request that is being worked on. */
const BYTES_IN_FLIGHT = 200_000;
/** Memory of a message in a queue. */
const MESSAGE_BYTES = 2000;
/** Seconds for which a kept-alive connection lives. */
const CONNECTION_SECONDS = 400;

/** Responses of a replica to one client. */
export interface Sent {
  readonly bytes: number;
  /** Of them, those that say that the request failed. */
  readonly failed: number;
}

/** Counts what a replica answered. */
export function countAnswers(random: Random, { pod, service }: Replica, answers: Answers, failing: number): Sent {
  const { counts } = pod;
  const { answered, seconds, buckets } = answers;
  const failed = binomial(random, answered, failing);
  counts.server.requests += answered;
  counts.server.seconds += seconds;
  for (const [index, count] of buckets.entries()) counts.server.buckets[index]! += count;
  counts.responses.ok += answered - failed;
  counts.responses.failed += failed;
  counts.receivedBytes += bytesOf(random, answered + answers.unanswered, service.requestBytes);
  const bytes = bytesOf(random, answered - failed, service.responseBytes) + failed * service.errorBytes;
  counts.sentBytes += bytes;
  return { bytes, failed };
}

/** What became of a call's attempts at a step. */
export interface CallTotal {
  answered: number;
  /** Seconds of the answered ones at the server. */
  seconds: number;
  /** Of `answered`. */
  failed: number;
  unanswered: number;
  receivedBytes: number;
}

/** Counts a call's attempts where its client sees them: at the edge, and at the client's pods. */
export function countCalls(random: Random, call: CallState, total: CallTotal, network: Duration): void {
  const { counts, client, server, refused } = call;
  const { answered, unanswered } = total;
  const onTheWay = answered * network.mean + Math.sqrt(answered * network.variance) * random.normal();
  const seconds = total.seconds + Math.max(0, onTheWay);
  counts.requests += answered;
  counts.seconds += seconds;
  counts.unanswered += unanswered;
  if (server.speaksHttp) {
    counts.responses += answered;
    counts.failedResponses += total.failed;
  }
  counts.connectFailures += refused;
  counts.receivedBytes += total.receivedBytes;
  counts.sentBytes += bytesOf(random, answered + unanswered, server.service.requestBytes);
  const up = client.up;
  const [requests, failures] = [divide(random, answered, up.length), divide(random, refused, up.length)];
  for (const [index, { pod }] of up.entries()) {
    pod.counts.client.requests += requests[index]!;
    if (answered > 0) pod.counts.client.seconds += (seconds * requests[index]!) / answered;
    pod.counts.refusedConnects += failures[index]!;
  }
}

/** Counts processor time, and what memory a replica has. @param requests that it worked on */
export function countResources(
  random: Random,
  replica: Replica,
  {
    requests,
    behaviour,
    seconds,
    memoryShare,
  }: { requests: number; behaviour: Behaviour; seconds: number; memoryShare: number },
): void {
  const { pod, service, effects } = replica;
  const served = Math.min(requests, behaviour.capacity * seconds);
  const spread = Math.sqrt(served * service.cpu.variance) * random.normal();
  const idle = IDLE_CORES * seconds * (1 + 0.1 * random.normal());
  const taken = effects.hog * service.cores * seconds;
  const used = Math.max(0, served * behaviour.cpuSeconds + spread + idle) + taken;
  pod.counts.cpuSeconds += Math.min(used, service.cores * seconds);
  const noise = 1 + 0.002 * random.normal();
  pod.counts.memoryBytes = Math.round(service.memoryBytes * memoryShare * noise + behaviour.inFlight * BYTES_IN_FLIGHT);
}

/** Memory of a queue: what it has, and its messages. */
export function queueMemory(share: number, { service, queued }: ServiceState): number {
  return Math.round(service.memoryBytes * share + queued * MESSAGE_BYTES);
}

/**
 * The connections of a call: a pool between each two replicas, as large as the requests at once need, which shrinks slowly.
 * Each lives for some time; one whose request was given up is closed.
 */
export function countConnections(random: Random, call: CallState, unanswered: number, seconds: number): void {
  const [clients, servers] = [call.client.up, call.server.up];
  const pairs = clients.length * servers.length;
  const asked = (call.arriving / seconds) * call.duration.mean;
  const wanted = pairs === 0 ? 0 : 1 + Math.ceil((1.5 * asked) / pairs);
  const before = call.pool;
  call.pool = Math.max(wanted, before - Math.ceil((before - wanted) * 0.05));
  const active = pairs * call.pool;
  const opened =
    pairs * Math.max(0, call.pool - before) + poisson(random, (active * seconds) / CONNECTION_SECONDS) + unanswered;
  for (const [role, replicas] of [
    ['client', clients],
    ['server', servers],
  ] as const) {
    const shares = divide(random, opened, replicas.length);
    for (const [index, { pod }] of replicas.entries()) {
      pod.counts[role].opened += shares[index]!;
      pod.counts[role].active += active / replicas.length;
    }
  }
}

/** Bytes of some messages together. */
export function bytesOf(random: Random, messages: number, each: number): number {
  if (messages <= 0) return 0;
  return Math.max(0, Math.round(messages * each * (1 + (BYTES_VARIATION / Math.sqrt(messages)) * random.normal())));
}
