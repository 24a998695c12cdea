import { renderHelp } from '../daemon/flags.ts';
import { aborted, runProgram } from '../daemon/lifecycle.ts';
import { createLogger } from '../daemon/logger.ts';
import { startExporter } from './app.ts';
import { FLAGS, parseCommandLine } from './config.ts';
import { readTargetsFile } from './identity/targets-file.ts';

/** Set when the program is bundled. */
declare const LORIKEET_VERSION: string | undefined;

const NAME = 'lorikeet-exporter';
const version = typeof LORIKEET_VERSION === 'undefined' ? 'development' : LORIKEET_VERSION;

await runProgram(NAME, async (context) => {
  const { action, config } = parseCommandLine(context.argv);
  switch (action) {
    case 'help':
      process.stdout.write(renderHelp(`${NAME} [flags]`, FLAGS));
      return;
    case 'version':
      process.stdout.write(`${NAME}, version ${version}\n`);
      return;
    case 'check': {
      const path = config.targetsFile as string;
      const { length } = readTargetsFile(path);
      process.stdout.write(`${path}: valid, ${length} ${length === 1 ? 'target' : 'targets'}\n`);
      return;
    }
    case 'run': {
      const logger = createLogger({ level: config.logLevel, format: config.logFormat });
      logger.info('starting', { program: NAME, version });
      const exporter = await startExporter(config, { version, logger, stops: context.stops });
      context.onReload(() => exporter.reload());
      await aborted(context.signal);
      logger.info('stopping', { reason: String(context.signal.reason) });
      return;
    }
  }
});
