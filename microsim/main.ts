import { UsageError } from '../daemon/flags.ts';
import { runProgram } from '../daemon/lifecycle.ts';
import { print, version, type Command } from './commands/command.ts';
import { down } from './commands/down.ts';
import { fault } from './commands/fault.ts';
import { inject } from './commands/inject.ts';
import { load } from './commands/load.ts';
import { record } from './commands/record.ts';
import { status } from './commands/status.ts';
import { up } from './commands/up.ts';

/* `lorikeet-sim`: a simulated microservice system of real processes, with faults, to watch. */
const COMMANDS: Readonly<Record<string, Command>> = { up, down, status, fault, inject, load, record };

function help(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(7)} ${summary}`);
  return `usage: lorikeet-sim <command> [flags]\n\n${lines.join('\n')}\n\n'lorikeet-sim <command> --help' tells its flags.\n`;
}

await runProgram('lorikeet-sim', async (context) => {
  const [word = '--help'] = context.argv;
  if (word === '--help' || word === 'help') return print(help());
  if (word === '--version') return print(version());
  const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
  if (command === undefined) {
    throw new UsageError(`no such command: ${word}; expected ${Object.keys(COMMANDS).join(', ')}`);
  }
  return command.execute(context);
});
