import { aborted, type ProgramContext, runProgram } from '../daemon/lifecycle.ts';
import { UsageError } from '../daemon/flags.ts';
import { runBacktest } from './commands/backtest.ts';
import { runRules } from './commands/rules.ts';
import { runScorer } from './commands/run.ts';
import { runTrain } from './commands/train.ts';
import { VERSION } from './metrics.ts';

const COMMANDS: Readonly<Record<string, (context: ProgramContext) => Promise<number | void>>> = {
  run: async (context) => {
    await runScorer(context);
    await aborted(context.signal);
  },
  train: runTrain,
  backtest: runBacktest,
  rules: runRules,
};

const USAGE = `usage: lorikeet-scorer <command> [flags]

Commands:
  run       score every service each interval
  train     learn from Prometheus' history
  backtest  replay history and tell what the scores are worth
  rules     render the recording rules from a features file

lorikeet-scorer <command> --help lists the flags of a command.
`;

await runProgram('lorikeet-scorer', async (context) => {
  const [command, ...argv] = context.argv;
  if (command === '--version') return print(`lorikeet-scorer ${VERSION}\n`);
  if (command === '--help' || command === 'help') return print(USAGE);
  const run = Object.hasOwn(COMMANDS, command ?? '') ? COMMANDS[command ?? ''] : undefined;
  if (run === undefined) {
    throw new UsageError(`expected a command (${Object.keys(COMMANDS).join(', ')}), got "${command ?? ''}"`);
  }
  return await run({ ...context, argv });
});

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
