// First, for what it does: it counts for everything that is loaded after it.
// oxlint-disable-next-line import/no-unassigned-import
import './memory/v8-flags.ts';
import { renderHelp } from '../daemon/flags.ts';
import { aborted, runProgram } from '../daemon/lifecycle.ts';
import { createLogger } from '../daemon/logger.ts';
import { WebConfigFile } from '../daemon/web-config/web-config-file.ts';
import { startExporter } from './app.ts';
import { inspectMachine } from './check/inspect-machine.ts';
import { EXIT_STATUS, renderReport } from './check/report.ts';
import { FLAGS, parseCommandLine, type Config } from './config.ts';
import { readTargetsFile } from './identity/targets-file.ts';

/** Set when the program is bundled. */
declare const LORIKEET_VERSION: string | undefined;

const NAME = 'lorikeet-exporter';
const version = typeof LORIKEET_VERSION === 'undefined' ? 'development' : LORIKEET_VERSION;

await runProgram(NAME, async (context) => {
  const { action, format, config } = parseCommandLine(context.argv, process.env);
  switch (action) {
    case 'help':
      process.stdout.write(
        renderHelp(`${NAME} [flags]\n       ${NAME} check [flags]   what this machine gives`, FLAGS),
      );
      return;
    case 'version':
      process.stdout.write(`${NAME}, version ${version}\n`);
      return;
    case 'check':
      process.stdout.write(checkFiles(config));
      return;
    case 'inspect': {
      const report = await inspectMachine(config);
      process.stdout.write(format === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : renderReport(report));
      return EXIT_STATUS[report.health];
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

/** Reads the files that the user named. @throws ConfigError */
function checkFiles({ targetsFile, webConfigFile }: Config): string {
  let report = '';
  if (targetsFile !== undefined) {
    const { length } = readTargetsFile(targetsFile);
    report += `${targetsFile}: valid, ${length} ${length === 1 ? 'target' : 'targets'}\n`;
  }
  if (webConfigFile !== undefined) {
    const { tls } = new WebConfigFile(webConfigFile, createLogger());
    report += `${webConfigFile}: valid, ${tls ? 'with' : 'without'} TLS\n`;
  }
  return report;
}
