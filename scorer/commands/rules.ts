import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { formatDuration, parseDuration } from '../../daemon/config-file.ts';
import { defineCommand, print } from '../../daemon/command.ts';
import { writeTextFile } from '../../daemon/files/write-file.ts';
import { type Flags, type FlagValues, UsageError } from '../../daemon/flags.ts';
import { renderText } from '../../daemon/secrets/redact.ts';
import { readFeatures } from '../features/features.ts';
import { DETECTOR_NAMES } from '../detectors/settings.ts';
import { HISTOGRAM_FORMS } from '../features/native-histograms.ts';
import { RECORDING_PARTS, renderRecordingRules } from '../features/recording-rules.ts';
import { renderLabelledAlerts } from '../features/labelled-alerts.ts';
import { renderServiceAlerts } from '../features/service-alerts.ts';
import { SHIPPED_ALERTS, SHIPPED_DETECTOR_ALERTS, SHIPPED_FEATURES } from '../paths.ts';
import { DETECTOR } from '../series.ts';
import { IDENTITY_FLAGS, readIdentity } from './identity-labels.ts';

const PARTS = [...RECORDING_PARTS, 'alerts', 'detector-alerts'] as const;

const FLAGS = {
  ...IDENTITY_FLAGS,
  'features.file': {
    type: 'string',
    help: 'Features file. Default: features_file in --config.file, or the shipped one.',
  },
  interval: {
    type: 'string',
    help: 'Evaluation interval of the recording rules, at most the interval of the scorer. Default: 30s.',
  },
  part: {
    type: 'string',
    default: 'services',
    choices: [...PARTS],
    help: 'Rules for services, edges and the graph; for pods and endpoints, which some detectors read; the alerts of services; or those of further detectors.',
  },
  histograms: {
    type: 'string',
    default: 'classic',
    choices: [...HISTOGRAM_FORMS],
    help: 'Read classic histograms only, or native ones too, as of exporters with --web.enable-native-histograms; needs Prometheus 2.40 or later.',
  },
  detector: {
    type: 'string',
    default: DETECTOR,
    choices: [...DETECTOR_NAMES],
    help: 'Detector whose scores the service graph and the alerts follow.',
  },
  format: {
    type: 'string',
    default: 'yaml',
    choices: ['yaml', 'json'],
    help: 'Format of the rule file; json for jsonnet.',
  },
  output: { type: 'string', help: 'Output file. Default: stdout.' },
} as const satisfies Flags;

/** `lorikeet-scorer rules`: renders the recording rules from the features file, or the alerts. */
export const rules = defineCommand({
  usage: 'rules [flags]',
  summary: 'Render the recording rules from a features file, or the alerts for another detector.',
  flags: FLAGS,
  async run(values) {
    const yaml = render(values);
    const text = values.format === 'json' ? `${JSON.stringify(load(yaml), null, 2)}\n` : yaml;
    if (values.output === undefined) print(text);
    else writeTextFile(values.output, text);
  },
});

/** @throws UsageError, ConfigError */
function render(values: FlagValues<typeof FLAGS>): string {
  const { part, detector, histograms } = values;
  const { labels, config } = readIdentity(values);
  const intervalMs = readInterval(values.interval);
  switch (part) {
    case 'alerts':
      return renderLabelledAlerts(renderServiceAlerts(readFileSync(SHIPPED_ALERTS, 'utf8'), detector), labels);
    case 'detector-alerts':
      return renderLabelledAlerts(readFileSync(SHIPPED_DETECTOR_ALERTS, 'utf8'), labels);
    default: {
      const features = readFeatures(values['features.file'] ?? config?.features_file ?? SHIPPED_FEATURES);
      const interval = intervalMs === undefined ? {} : { intervalMs };
      return renderRecordingRules(features, { part, histograms, detector, labels, ...interval });
    }
  }
}

function readInterval(text: string | undefined): number | undefined {
  const intervalMs = text === undefined ? undefined : parseDuration(text);
  if (text === undefined || intervalMs) return intervalMs;
  throw new UsageError(`--interval: expected a duration such as ${formatDuration(30_000)}, got ${renderText(text)}`);
}
