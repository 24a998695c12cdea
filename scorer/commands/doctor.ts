import { ConfigError } from '../../daemon/config-file.ts';
import { defineCommand, print } from '../../daemon/command.ts';
import type { Flags } from '../../daemon/flags.ts';
import { createHttpClient } from '../../daemon/http-client/client.ts';
import { type Examination, examine } from '../doctor/examine.ts';
import { EXIT_STATUS, renderExamination, renderExaminationJson } from '../doctor/report.ts';
import { System } from '../doctor/system.ts';
import { readScorerFiles } from '../scorer-files.ts';
import { CONFIG_FLAG } from './flags.ts';

const FLAGS = {
  ...CONFIG_FLAG,
  format: { type: 'string', default: 'text', choices: ['text', 'json'], help: 'Format of the report.' },
} as const satisfies Flags;

/** `lorikeet-scorer doctor`: says what is wrong with the system that the scorer works in, and how to fix it. */
export const doctor = defineCommand({
  usage: 'doctor [flags]',
  summary: 'Examine Prometheus, the rules and the configuration, and say what is wrong and how to fix it.',
  details:
    'Exit status 0: all is well, 1: there are warnings, 2: the scorer cannot work. Writes nothing to Prometheus: the\n' +
    'remote-write receiver gets a request without series.',
  flags: FLAGS,
  async run(values, _words, { signal }) {
    const result = await examineFiles(values['config.file'], signal);
    signal.throwIfAborted();
    print(values.format === 'json' ? renderExaminationJson(result) : renderExamination(result));
    return EXIT_STATUS[result.status];
  },
});

/** Examines the system of a configuration file; what is wrong with the file itself is a finding of `config`. */
export async function examineFiles(path: string, signal?: AbortSignal): Promise<Examination> {
  try {
    const { config, set } = readScorerFiles(path);
    const http = createHttpClient(config.prometheus, { timeoutMs: config.prometheus.timeout });
    try {
      return await examine(new System({ config, set, http, signal }));
    } finally {
      await http.close();
    }
  } catch (failure) {
    if (!(failure instanceof ConfigError)) throw failure;
    const remedy = `correct it, and check it with lorikeet-scorer run --config.check --config.file=${path}`;
    const findings = failure.message
      .split('\n')
      .map((message) => ({ check: 'config', status: 'error' as const, message, remedy }));
    return { status: 'error', findings, skipped: [] };
  }
}
