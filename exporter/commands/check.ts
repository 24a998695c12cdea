import { defineCommand, print } from '../../daemon/command.ts';
import type { Flags } from '../../daemon/flags.ts';
import { inspectMachine } from '../check/inspect-machine.ts';
import { EXIT_STATUS, renderReport } from '../check/report.ts';
import { FLAGS as RUN_FLAGS, readConfig } from '../config.ts';

const FLAGS = {
  format: { type: 'string', default: 'text', choices: ['text', 'json'], help: 'Form of the report.' },
  ...RUN_FLAGS,
} as const satisfies Flags;

/** `lorikeet-exporter check`: what this machine gives to an exporter with these flags. */
export const check = defineCommand({
  usage: 'check [flags]',
  summary:
    'Reports what this machine gives; exit status 0: every chosen collector shows everything, 1: less, 2: nothing.',
  flags: FLAGS,
  async run(values) {
    const report = await inspectMachine(readConfig(values, process.env));
    print(values.format === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : renderReport(report));
    return EXIT_STATUS[report.health];
  },
});
