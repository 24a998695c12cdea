import { type Flags, HELP_FLAG, parseFlags, renderHelp } from '../../daemon/flags.ts';
import { aborted, type ProgramContext, runProgram } from '../../daemon/lifecycle.ts';
import { startPreview } from './server.ts';

const FLAGS = {
  'prometheus.url': { type: 'string', default: 'http://localhost:9090', help: 'URL of Prometheus.' },
  'scorer.url': { type: 'string', default: 'http://localhost:9401', help: 'URL of the scorer, for images of tensors.' },
  port: { type: 'number', default: 3300, help: 'Port on the loopback interface; 0 selects a free one.' },
  ...HELP_FLAG,
} as const satisfies Flags;

/** `npm run preview`: draws the dashboards' panels in a browser, without Grafana. */
async function main({ argv, stops, signal }: ProgramContext): Promise<number> {
  const { values } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run preview -- [flags]', FLAGS));
    return 0;
  }
  const { 'prometheus.url': prometheusUrl, 'scorer.url': scorerUrl, port } = values;
  const preview = await startPreview({ prometheusUrl, scorerUrl, port });
  stops.onStop('preview', () => preview.stop());
  process.stdout.write(`${preview.url}/?dashboard=lorikeet-overview\n`);
  await aborted(signal);
  return 0;
}

await runProgram('preview', main);
