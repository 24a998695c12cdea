import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineCommand, print } from '../../daemon/command.ts';
import { writeTextFile } from '../../daemon/files/write-file.ts';
import { type Flags, UsageError } from '../../daemon/flags.ts';
import { labelledDashboard } from '../features/labelled-dashboards.ts';
import { SHIPPED_DASHBOARDS } from '../paths.ts';
import { IDENTITY_FLAGS, readIdentity } from './identity-labels.ts';

const FLAGS = {
  ...IDENTITY_FLAGS,
  output: { type: 'string', help: 'Directory for the JSON files.' },
} as const satisfies Flags;

/** `lorikeet-scorer dashboards`: writes the shipped dashboards, with a variable for each further label of services. */
export const dashboards = defineCommand({
  usage: 'dashboards [flags]',
  summary: 'Write the dashboards, with a variable for each label of identity.labels.',
  flags: FLAGS,
  async run(values) {
    if (values.output === undefined) throw new UsageError('--output: expected a directory');
    const { labels } = readIdentity(values);
    mkdirSync(values.output, { recursive: true });
    for (const name of readdirSync(SHIPPED_DASHBOARDS)) {
      const shipped = JSON.parse(readFileSync(join(SHIPPED_DASHBOARDS, name), 'utf8')) as Parameters<
        typeof labelledDashboard
      >[0];
      const path = join(values.output, name);
      writeTextFile(path, `${JSON.stringify(labelledDashboard(shipped, labels), null, 2)}\n`);
      print(`${path}\n`);
    }
  },
});
