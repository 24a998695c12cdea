import { program, type Place, type Stage } from '../lab.ts';
import type { Truth } from '../case.ts';

/** The port of every server. */
export const PORT = 8080;

const node = (name: string, options: object): string[] => [process.execPath, program(name), JSON.stringify(options)];
const python = (name: string, options: object, interpreter = 'python3'): string[] => [
  interpreter,
  program(name),
  JSON.stringify(options),
];
const commandOf = (name: string, options: object, interpreter?: string): string[] =>
  name.endsWith('.py') ? python(name, options, interpreter) : node(name, options);

/** Starts a server of `programs/` on `PORT` of a place. */
export async function serve(place: Place, name: string, options: object, interpreter?: string): Promise<void> {
  const command = commandOf(name, { host: place.address, port: PORT, ...options }, interpreter);
  await place.serve(command, PORT);
}

/** Runs a client of `programs/` against `PORT` of the stage's server, and returns what it printed: the truth. */
export async function ask(stage: Stage, name: string, options: object, interpreter?: string): Promise<Truth> {
  const target = { host: stage.server.address, port: PORT };
  return JSON.parse(await stage.client.run(commandOf(name, { ...target, ...options }, interpreter))) as Truth;
}

/** Runs curl `requests` times, each with a connection of its own. Its clock includes the connection's set-up. */
export async function curl(stage: Stage, requests: number, ...options: readonly string[]): Promise<Truth> {
  const durationsMs: number[] = [];
  for (let i = 0; i < requests; i++) {
    const output = ['--silent', '--show-error', '--fail', '--output', '/dev/null', '--write-out', '%{time_total}'];
    durationsMs.push(Number(await stage.client.run(['curl', ...output, ...options])) * 1000);
  }
  return { requests, durationsMs, connections: requests };
}
