import { defineCommand, print } from '../../daemon/command.ts';
import { UsageError } from '../../daemon/flags.ts';
import { connectSim } from '../controller/client.ts';
import { Instance } from '../controller/instance.ts';
import { loadChangeSchema } from '../topology/topology.ts';
import { SIM_FLAGS } from './flags.ts';

export const load = defineCommand({
  usage: 'load [flags]',
  summary: 'Change the load of a running simulation. Settings without a flag stay the same.',
  flags: {
    level: { type: 'number', help: 'Requests per second, averaged over a wave.' },
    noise: { type: 'number', help: 'Spread of the rate; 0.1 is about 10%.' },
    'wave.period': { type: 'string', help: 'Length of a simulated day, such as 10m.' },
    'wave.amplitude': { type: 'number', help: 'Amplitude of a simulated day relative to the level, 0 to 1.' },
    'bursts.every': { type: 'string', help: 'Average time between bursts.' },
    'bursts.factor': { type: 'number', help: 'Factor by which a burst multiplies the rate.' },
    'bursts.lasting': { type: 'string', help: 'Average duration of a burst.' },
    ...SIM_FLAGS,
  },
  async run(flags) {
    const change = {
      level: flags.level,
      noise: flags.noise,
      wave: { period: flags['wave.period'], amplitude: flags['wave.amplitude'] },
      bursts: {
        every: flags['bursts.every'],
        factor: flags['bursts.factor'],
        lasting: flags['bursts.lasting'],
      },
    };
    const parsed = loadChangeSchema.safeParse(change);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new UsageError(`--${issue?.path.join('.')}: ${issue?.message}`);
    }
    const status = await connectSim(new Instance(flags.name, flags['state.dir']).stateDir).load(
      JSON.parse(JSON.stringify(change)) as object,
    );
    print(`${JSON.stringify(status.load?.settings ?? {})}\n`);
  },
});
