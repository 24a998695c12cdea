import { writeFileSync } from 'node:fs';
import { formatDuration, parseDuration } from '../../daemon/config-file.ts';
import { defineCommand, print } from '../../daemon/command.ts';
import { type Flags, UsageError } from '../../daemon/flags.ts';
import { readFeatures } from '../features/features.ts';
import { SHIPPED_FEATURES } from '../paths.ts';
import { renderRecordingRules, RULE_PARTS } from '../features/recording-rules.ts';

const FLAGS = {
  'features.file': { type: 'string', default: SHIPPED_FEATURES, help: 'Features file.' },
  interval: {
    type: 'string',
    help: "Evaluation interval of the rule groups. Default: Prometheus' evaluation_interval.",
  },
  part: {
    type: 'string',
    default: 'services',
    choices: [...RULE_PARTS],
    help: 'Rules for services, edges and the graph, or for pods and endpoints (instances), which some detectors read.',
  },
  output: { type: 'string', help: 'Output file. Default: stdout.' },
} as const satisfies Flags;

/** `lorikeet-scorer rules`: renders the recording rules from the features file. */
export const rules = defineCommand({
  usage: 'rules [flags]',
  summary: 'Render the recording rules from a features file.',
  flags: FLAGS,
  async run(values) {
    const intervalMs = values.interval === undefined ? undefined : parseDuration(values.interval);
    if (values.interval !== undefined && !intervalMs) {
      throw new UsageError(
        `--interval: expected a duration such as ${formatDuration(30_000)}, got "${values.interval}"`,
      );
    }
    const text = renderRecordingRules(readFeatures(values['features.file']), {
      part: values.part,
      ...(intervalMs !== undefined && { intervalMs }),
    });
    if (values.output === undefined) print(text);
    else writeFileSync(values.output, text);
  },
});
