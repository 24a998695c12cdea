import { defineCommand } from '../../daemon/command.ts';
import { parseDuration } from '../../daemon/config-file.ts';
import { UsageError } from '../../daemon/flags.ts';
import { standardOutput } from '../../daemon/streams/line-output.ts';
import { renderText } from '../../daemon/secrets/redact.ts';
import { connectSim } from '../controller/client.ts';
import { DEFAULT_FAULT_TYPES, FAULT_TYPES, type FaultType } from '../protocol/fault.ts';
import { planFaults } from '../recording/fault-schedule.ts';
import { Instance } from '../controller/instance.ts';
import { record as runRecording } from '../recording/recording.ts';
import { SIM_FLAGS } from './flags.ts';

export const record = defineCommand({
  usage: 'record [flags]',
  summary: 'Inject faults into a running simulation by a random schedule, and record them in a labels file.',
  flags: {
    duration: { type: 'string', default: '30m', help: 'Duration of the recording.' },
    faults: { type: 'number', help: 'Number of faults, 0 for none. Default: as many as fit' },
    'fault.duration': { type: 'string', default: '1m', help: 'Duration of each fault.' },
    'fault.types': {
      type: 'string',
      default: DEFAULT_FAULT_TYPES.join(','),
      help: `Fault types to choose from, of ${FAULT_TYPES.join(', ')}.`,
    },
    recovery: { type: 'string', default: '2m', help: 'Minimum normal time after each fault.' },
    warmup: { type: 'string', default: '1m', help: 'Normal time before the first fault.' },
    seed: { type: 'number', default: 1, help: 'Seed of the schedule.' },
    labels: { type: 'string', default: 'labels.json', help: 'Output file.' },
    ...SIM_FLAGS,
  },
  async run(flags, _words, { signal }) {
    const sim = connectSim(new Instance(flags.name, flags['state.dir']).stateDir);
    if (flags.faults !== undefined && !(Number.isInteger(flags.faults) && flags.faults >= 0)) {
      throw new UsageError(`--faults: expected a whole number, got ${flags.faults}`);
    }
    const { namespace, services } = await sim.status();
    const duration = readDuration('duration', flags.duration);
    const plan = planFaults({
      duration,
      faults: flags.faults,
      faultDuration: readDuration('fault.duration', flags['fault.duration']),
      recovery: readDuration('recovery', flags.recovery),
      warmup: readDuration('warmup', flags.warmup),
      seed: flags.seed,
      services: Object.keys(services),
      types: readTypes(flags['fault.types']),
    });
    const progress = (line: string) => void standardOutput.write(`${line}\n`);
    await runRecording({ sim, namespace, plan, duration, labelsFile: flags.labels, signal, progress });
    return signal.aborted ? 1 : 0;
  },
});

function readDuration(flag: string, text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined)
    throw new UsageError(`--${flag}: expected a duration such as 30s or 5m, got ${renderText(text)}`);
  return milliseconds;
}

function readTypes(text: string): FaultType[] {
  return text.split(',').map((name) => {
    const type = FAULT_TYPES.find((candidate) => candidate === name);
    if (type !== undefined) return type;
    throw new UsageError(`--fault.types: expected ${FAULT_TYPES.join(', ')}, got ${renderText(name)}`);
  });
}
