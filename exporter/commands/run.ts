import { type CheckedFile, defineCommand, loggerOf, runApp } from '../../daemon/command.ts';
import { UsageError } from '../../daemon/flags.ts';
import { checkWebConfig } from '../../daemon/web-config/web-config-file.ts';
import { ExporterApp } from '../app.ts';
import { type Config, FLAGS, readConfig } from '../config.ts';
import { readTargetsFile } from '../identity/targets-file.ts';

/** `lorikeet-exporter`: serves /metrics until it is stopped. */
export const run = defineCommand({
  usage: '[flags]\n       lorikeet-exporter check [flags]   report what it can collect on this machine',
  summary: 'Requests, connections and resources of services, counted in the kernel.',
  flags: FLAGS,
  check: (values) => checkFiles(readConfig(values, process.env)),
  async run(values, _words, context) {
    const config = readConfig(values, process.env);
    const logger = loggerOf(values);
    await runApp(new ExporterApp(config, logger), logger, context);
  },
});

/** Reads the files set by flags. @throws ConfigError */
function checkFiles({ targetsFile, webConfigFile, cgroupfs }: Config): CheckedFile[] {
  if (targetsFile === undefined && webConfigFile === undefined) {
    throw new UsageError('--config.check: expected --targets.file or --web.config.file as well');
  }
  const checked: CheckedFile[] = [];
  if (targetsFile !== undefined) {
    const { length } = readTargetsFile(targetsFile, cgroupfs);
    checked.push({ path: targetsFile, summary: `${length} ${length === 1 ? 'target' : 'targets'}` });
  }
  if (webConfigFile !== undefined) checked.push(checkWebConfig(webConfigFile));
  return checked;
}
