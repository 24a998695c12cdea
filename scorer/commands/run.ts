import { COMMON_FLAGS, type Flags, parseFlags, renderHelp } from '../../daemon/flags.ts';
import type { ProgramContext } from '../../daemon/lifecycle.ts';
import { createLogger, type LogFormat, type LogLevel } from '../../daemon/logger.ts';
import { WebConfigFile } from '../../daemon/web-config/web-config-file.ts';
import { ScorerApp } from '../app.ts';
import { readScorerConfig, type ScorerConfig } from '../config.ts';
import { type FeatureSet, readFeatures } from '../features/features.ts';
import { openRestingMemory } from '../cycle/memory.ts';
import { VERSION } from '../metrics.ts';
import { SHIPPED_FEATURES } from '../paths.ts';

const FLAGS = {
  'config.file': { type: 'string', default: 'scorer.yaml', help: 'The configuration.' },
  'config.check': { type: 'boolean', help: 'Check the configuration and the features file and exit.' },
  'web.listen-address': { type: 'string', default: ':9401', help: 'Where to serve /metrics.' },
  'web.config.file': {
    type: 'string',
    help: "YAML file with TLS, headers and basic auth, in exporter-toolkit's format; changes count at once.",
  },
  'web.enable-lifecycle': { type: 'boolean', help: 'Allow reloads by POST /-/reload.' },
  ...COMMON_FLAGS,
} as const satisfies Flags;

interface Loaded {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
}

/** `lorikeet-scorer run`: scores until it is stopped. */
export async function runScorer({ argv, stops, signal, onReload }: ProgramContext): Promise<void> {
  const { values } = parseFlags(argv, FLAGS);
  if (values.help || values.version) {
    const text = values.help ? renderHelp('lorikeet-scorer run [flags]', FLAGS) : `lorikeet-scorer ${VERSION}\n`;
    process.stdout.write(text);
    process.exit(0);
  }
  const logger = createLogger({ level: values['log.level'] as LogLevel, format: values['log.format'] as LogFormat });
  const read = (): Loaded => {
    const config = readScorerConfig(values['config.file']);
    return { config, set: readFeatures(config.features_file ?? SHIPPED_FEATURES) };
  };
  let loaded = read();
  const webConfigFile = values['web.config.file'];
  const web = webConfigFile === undefined ? undefined : new WebConfigFile(webConfigFile, logger);
  if (values['config.check']) {
    process.stdout.write(`${values['config.file']}: fine, ${loaded.set.features.length} features\n`);
    process.exit(0);
  }

  const memory = openRestingMemory(logger);
  let app: ScorerApp | undefined;
  stops.onStop('scorer', async () => await app?.stop());
  const create = () =>
    new ScorerApp({
      ...loaded,
      logger,
      listenAddress: values['web.listen-address'],
      learnCommand: [process.execPath, process.argv[1] ?? '', 'train', `--config.file=${values['config.file']}`],
      enableLifecycle: values['web.enable-lifecycle'],
      web,
      memory,
      reload,
    });
  /** Whatever can fail is done first; then the running scorer is swapped for one with the new files. */
  async function reload(): Promise<void> {
    try {
      loaded = read();
    } catch (error) {
      app?.metrics.configReloaded.set(0);
      logger.error('reload failed, the configuration is as before', { error: error as Error });
      throw error;
    }
    // The answer to a reload over HTTP leaves before its server goes.
    setImmediate(() => void swap());
  }
  async function swap(): Promise<void> {
    await app?.stop();
    if (signal.aborted) return;
    app = create();
    await app.start();
    logger.info('configuration reloaded');
  }
  onReload(reload);
  app = create();
  await app.start();
}
