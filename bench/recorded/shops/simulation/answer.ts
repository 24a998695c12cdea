import type { Random } from '../../../../scorer/numeric/random.ts';
import { networkAt } from '../faults/fault.ts';
import { drawAnswers } from '../laws/answers.ts';
import { filledAfter } from '../laws/cache.ts';
import { divide } from '../laws/counts.ts';
import { afterEachOther, cutOff, type Duration, lasting, oneOf, times, withinShare } from '../laws/duration.ts';
import { lossDelay } from '../laws/loss.ts';
import { deliver } from '../laws/message-queue.ts';
import { attemptsPerCall } from '../laws/retries.ts';
import {
  bytesOf,
  type CallTotal,
  countAnswers,
  countCalls,
  countConnections,
  countResources,
  queueMemory,
} from './account.ts';
import { behave, type Behaviour, type ExpectedCall } from './behaviour.ts';
import type { CallState, ServiceState } from './state.ts';

/** A step of the simulation. */
export interface Step {
  /** Seconds since the start of the recording, at its beginning. */
  readonly time: number;
  readonly seconds: number;
  /** By machine: how much longer it takes than usual, a factor. */
  readonly slowdowns: readonly number[];
}

/** Of packets there and back, without a fault. */
const NETWORK = lasting(0.0004, 0.5);
/** For which visitors wait. */
const VISITOR_PATIENCE = 10;
/** Until a refused connection is known to be refused. */
const REFUSED = lasting(0.0006, 0.3);

/** Answers the requests of this step to a service whose callees have answered theirs. */
export function answerRequests(random: Random, state: ServiceState, step: Step): void {
  const { service, incoming, up } = state;
  if (service.kind === 'queue') return takeMessages(random, state, step);
  const totals = incoming.map((): CallTotal => ({
    answered: 0,
    seconds: 0,
    failed: 0,
    unanswered: 0,
    receivedBytes: 0,
  }));
  const networks = incoming.map((call) => networkOf(call, step.time));
  const shares = incoming.map(({ arriving }) => divide(random, arriving, Math.max(1, up.length)));
  const own = divide(random, state.own, Math.max(1, up.length));
  const expected = state.calls.filter(({ server }) => server.service.kind !== 'queue').map(expectedCall);
  const patience = Math.max(
    ...incoming.map(({ call }) => call.timeout),
    service.kind === 'entry' ? VISITOR_PATIENCE : 0,
    1,
  );
  const behaviours: Behaviour[] = [];
  for (const [index, replica] of up.entries()) {
    const requests = shares.reduce((sum, share) => sum + share[index]!, own[index]!);
    const slowdown = step.slowdowns[replica.node] ?? 1;
    const asked = { rate: requests / step.seconds, patience, seconds: step.seconds, time: step.time, slowdown };
    const behaviour = behave(replica, expected, asked);
    behaviours.push(behaviour);
    replica.capacity = behaviour.capacity;
    replica.backlog = behaviour.backlog;
    if (service.kind === 'entry') {
      countAnswers(
        random,
        replica,
        drawAnswers(random, own[index]!, behaviour.answer, VISITOR_PATIENCE),
        behaviour.failing,
      );
    }
    for (const [at, call] of incoming.entries()) {
      const timeout = call.call.timeout - networks[at]!.mean;
      const answers = drawAnswers(random, shares[at]![index]!, behaviour.answer, timeout);
      const total = totals[at]!;
      const { bytes, failed } = countAnswers(random, replica, answers, behaviour.failing);
      total.receivedBytes += bytes;
      total.failed += failed;
      total.answered += answers.answered;
      total.seconds += answers.seconds;
      total.unanswered += answers.unanswered;
    }
    const memoryShare = replica.memoryShare(step.time, service.kind === 'cache' ? state.filled : undefined);
    countResources(random, replica, { requests, behaviour, seconds: step.seconds, memoryShare });
  }
  for (const [at, call] of incoming.entries()) {
    countCalls(random, call, totals[at]!, networks[at]!);
    setExpectations(call, behaviours, networks[at]!);
    countConnections(random, call, totals[at]!.unanswered, step.seconds);
  }
  if (service.entries !== undefined) {
    state.filled = filledAfter(state.filled, state.arrived / step.seconds, service.entries, step.seconds);
  }
}

function expectedCall({ each, duration, failing, call }: CallState): ExpectedCall {
  return { each, duration, failing, retries: call.retries, needed: call.needed };
}

function networkOf({ server, client }: CallState, time: number): Duration {
  const { delay, loss } = networkAt(server.troubles, client.service.name, time);
  if (delay === 0 && loss === 0) return NETWORK;
  return afterEachOther(NETWORK, lasting(delay, 0.1), lossDelay(loss));
}

/** What the client of a call has to expect: from each replica alike, and of refused connections. */
function setExpectations(call: CallState, behaviours: readonly Behaviour[], network: Duration): void {
  const { timeout, retries } = call.call;
  const refusing = call.server.refusing;
  const attempts = behaviours.map(({ answer, failing }) => {
    const whole = afterEachOther(answer, network);
    return { failing: 1 - withinShare(whole, timeout) * (1 - failing), duration: cutOff(whole, timeout) };
  });
  const weight = (1 - refusing) / Math.max(1, attempts.length);
  call.failing = refusing + attempts.reduce((sum, { failing }) => sum + weight * failing, 0);
  const parts = attempts.map(({ duration }) => [weight, duration] as const);
  const attempt = oneOf(refusing > 0 ? [...parts, [refusing, REFUSED]] : parts);
  call.duration = times(attemptsPerCall(call.failing, retries), attempt);
}

/** A queue takes messages, which have no response, and its workers take them from it. */
function takeMessages(random: Random, state: ServiceState, { time, seconds }: Step): void {
  const { incoming, up } = state;
  const [replica] = up;
  const published = incoming.reduce((sum, { arriving }) => sum + arriving, 0);
  for (const call of incoming) {
    call.failing = state.refusing;
    const bytes = bytesOf(random, call.arriving, state.service.requestBytes);
    call.counts.sentBytes += bytes;
    call.counts.connectFailures += call.refused;
    if (replica !== undefined) replica.pod.counts.receivedBytes += bytes;
    const isWorker = call.client.service.kind === 'worker';
    if (isWorker && replica !== undefined) {
      const { consumed, left } = deliver(state.queued, published, call.client.capacity, seconds);
      state.queued = left;
      call.client.own = consumed;
      const taken = bytesOf(random, consumed, state.service.requestBytes);
      call.counts.receivedBytes += taken;
      replica.pod.counts.sentBytes += taken;
    } else if (isWorker) {
      call.client.own = 0;
    }
    countConnections(random, call, 0, seconds);
  }
  if (replica === undefined) return;
  const cpu = (published + 1) * state.service.cpu.mean * replica.effort(time);
  const taken = replica.effects.hog * state.service.cores * seconds;
  replica.pod.counts.cpuSeconds += Math.min(cpu + taken, state.service.cores * seconds);
  replica.pod.counts.memoryBytes = queueMemory(replica.memoryShare(time), state);
}
