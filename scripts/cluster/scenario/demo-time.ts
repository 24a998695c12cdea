import { readFileSync } from 'node:fs';
import { formatDuration } from '../../../daemon/config-file.ts';
import { parseFeatures } from '../../../scorer/features/features.ts';
import { renderRecordingRules } from '../../../scorer/features/recording-rules.ts';
import { renderServiceAlerts } from '../../../scorer/features/service-alerts.ts';
import { ALERT_DURATIONS, scaleAlerts, scaleYaml, TIME_SCALE } from '../../demo/time-scale.ts';

const MINUTE_MS = 60_000;
/** Shorter than a cycle of five seconds, which limits the age of what the scorer reads. */
const RULE_INTERVAL_MS = 2000;
const LEARNING = '150s';

/** Values of the chart in which time runs as fast as in the demo: five seconds stand for a minute. */
export function demoTimeValues(): object {
  const features = scaleYaml(readFileSync('rules/features.yaml', 'utf8'), ['windows']);
  const services = renderServiceAlerts(readFileSync('rules/services.alerts.yaml', 'utf8'), 'autoencoder');
  return {
    operator: {
      rules: false,
      ruleFiles: {
        recording: renderRecordingRules(parseFeatures('features.yaml', features), {
          part: 'services',
          detector: 'autoencoder',
          intervalMs: RULE_INTERVAL_MS,
        }),
        services: scaleAlerts(services),
        lorikeet: scaleYaml(readFileSync('rules/lorikeet.alerts.yaml', 'utf8'), ALERT_DURATIONS),
      },
      podMonitor: { interval: '1s' },
    },
    scorer: {
      features,
      config: { interval: formatDuration(MINUTE_MS / TIME_SCALE), learning: { minimum: LEARNING } },
    },
  };
}
