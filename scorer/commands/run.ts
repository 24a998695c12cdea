import { checkWebConfig, WebConfigFile } from '../../daemon/web-config/web-config-file.ts';
import { defineCommand, loggerOf, runApp } from '../../daemon/command.ts';
import { type Flags, LOG_FLAGS, WEB_FLAGS } from '../../daemon/flags.ts';
import { ReloadingScorer } from '../reloading-scorer.ts';
import { readScorerFiles } from '../scorer-files.ts';
import { CONFIG_FLAG } from './flags.ts';

const FLAGS = {
  ...CONFIG_FLAG,
  'web.listen-address': { type: 'string', default: ':9401', help: 'Address to serve on, [host]:port.' },
  ...WEB_FLAGS,
  ...LOG_FLAGS,
} as const satisfies Flags;

/** `lorikeet-scorer run`: scores every interval until SIGTERM or SIGINT. */
export const run = defineCommand({
  usage: 'run [flags]',
  summary: 'Score every service each interval.',
  flags: FLAGS,
  check: ({ 'config.file': path, 'web.config.file': webConfigFile }) => {
    const { set } = readScorerFiles(path);
    const web = webConfigFile === undefined ? [] : [checkWebConfig(webConfigFile)];
    return [{ path, summary: `${set.features.length} features` }, ...web];
  },
  async run(values, _words, context) {
    const logger = loggerOf(values);
    const webConfigFile = values['web.config.file'];
    const app = new ReloadingScorer({
      configFile: values['config.file'],
      logger,
      listenAddress: values['web.listen-address'],
      learnCommand: [...context.self, 'train', `--config.file=${values['config.file']}`],
      enableLifecycle: values['web.enable-lifecycle'],
      probesWithoutPassword: values['web.probes-without-password'],
      web: webConfigFile === undefined ? undefined : new WebConfigFile(webConfigFile, logger),
    });
    await runApp(app, logger, context);
  },
});
