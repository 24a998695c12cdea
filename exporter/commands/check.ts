import { defineCommand, print } from '../../daemon/command.ts';
import type { Flags } from '../../daemon/flags.ts';
import { inspectMachine } from '../check/inspect-machine.ts';
import { EXIT_STATUS, renderReport } from '../check/report.ts';
import { FLAGS as RUN_FLAGS, readConfig } from '../config.ts';

const FLAGS = {
  format: { type: 'string', default: 'text', choices: ['text', 'json'], help: 'Format of the report.' },
  ...RUN_FLAGS,
} as const satisfies Flags;

/** `lorikeet-exporter check`: reports what the exporter can collect on this machine with these flags. */
export const check = defineCommand({
  usage: 'check [flags]',
  summary:
    'Report what the exporter can collect on this machine. Exit status 0: everything that is enabled, 1: less, 2: nothing.',
  flags: FLAGS,
  async run(values) {
    const report = await inspectMachine(readConfig(values, process.env));
    print(values.format === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : renderReport(report));
    return EXIT_STATUS[report.health];
  },
});
