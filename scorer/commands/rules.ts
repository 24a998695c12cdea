import { readFileSync, writeFileSync } from 'node:fs';
import { formatDuration, parseDuration } from '../../daemon/config-file.ts';
import { defineCommand, print } from '../../daemon/command.ts';
import { type Flags, UsageError } from '../../daemon/flags.ts';
import { readFeatures } from '../features/features.ts';
import { DETECTOR_NAMES } from '../detectors/settings.ts';
import { HISTOGRAM_FORMS } from '../features/native-histograms.ts';
import { RECORDING_PARTS, renderRecordingRules } from '../features/recording-rules.ts';
import { renderServiceAlerts } from '../features/service-alerts.ts';
import { SHIPPED_ALERTS, SHIPPED_FEATURES } from '../paths.ts';
import { DETECTOR } from '../series.ts';

const PARTS = [...RECORDING_PARTS, 'alerts'] as const;

const FLAGS = {
  'features.file': { type: 'string', default: SHIPPED_FEATURES, help: 'Features file.' },
  interval: {
    type: 'string',
    help: 'Evaluation interval of the recording rules, at most the interval of the scorer. Default: 30s.',
  },
  part: {
    type: 'string',
    default: 'services',
    choices: [...PARTS],
    help: 'Rules for services, edges and the graph; for pods and endpoints, which some detectors read; or the alerts of services.',
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
  output: { type: 'string', help: 'Output file. Default: stdout.' },
} as const satisfies Flags;

/** `lorikeet-scorer rules`: renders the recording rules from the features file, or the alerts. */
export const rules = defineCommand({
  usage: 'rules [flags]',
  summary: 'Render the recording rules from a features file, or the alerts for another detector.',
  flags: FLAGS,
  async run(values) {
    const intervalMs = values.interval === undefined ? undefined : parseDuration(values.interval);
    if (values.interval !== undefined && !intervalMs) {
      throw new UsageError(
        `--interval: expected a duration such as ${formatDuration(30_000)}, got "${values.interval}"`,
      );
    }
    const { part } = values;
    const text =
      part === 'alerts'
        ? renderServiceAlerts(readFileSync(SHIPPED_ALERTS, 'utf8'), values.detector)
        : renderRecordingRules(readFeatures(values['features.file']), {
            part,
            histograms: values.histograms,
            detector: values.detector,
            ...(intervalMs !== undefined && { intervalMs }),
          });
    if (values.output === undefined) print(text);
    else writeFileSync(values.output, text);
  },
});
