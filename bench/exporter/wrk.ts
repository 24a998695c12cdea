/** What wrk prints of its requests. @throws Error when some failed, or none was made. */
export function parseWrk(output: string): number {
  const trouble = /^\s*(?:Socket errors|Non-2xx).*$/m.exec(output);
  if (trouble !== null) throw new Error(`wrk: ${trouble[0].trim()}`);
  const rate = /^Requests\/sec:\s+([\d.]+)$/m.exec(output)?.[1];
  if (rate === undefined) throw new Error(`wrk printed no rate: ${output}`);
  return Number(rate);
}
