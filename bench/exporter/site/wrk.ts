/** The result of wrk. */
export interface Wrk {
  readonly requests: number;
  readonly perSecond: number;
}

/** Parses the output of wrk. @throws Error if requests failed, or none was sent. */
export function parseWrk(output: string): Wrk {
  const trouble = /^\s*(?:Socket errors|Non-2xx).*$/m.exec(output);
  if (trouble !== null) throw new Error(`wrk: ${trouble[0].trim()}`);
  const requests = /^\s*(\d+) requests in /m.exec(output)?.[1];
  const rate = /^Requests\/sec:\s+([\d.]+)$/m.exec(output)?.[1];
  if (requests === undefined || rate === undefined) throw new Error(`wrk printed no rate: ${output}`);
  return { requests: Number(requests), perSecond: Number(rate) };
}
