import type { CallEdge } from './root-cause.ts';

/** An edge on which all is as usual, but for what is given. */
export const edge = (client: string, server: string, seen: Partial<CallEdge> = {}): CallEdge => ({
  client,
  server,
  latency: 0,
  failures: 0,
  failedShare: 0,
  responses: 0,
  counted: true,
  ...seen,
});
