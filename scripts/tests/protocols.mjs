// npm run test:protocols -- [--only=REGEX] [--flags=FLAGS] [--update]: sets up the build, installs servers and clients of
// other protocols, and compares what the exporter reports about them with what the clients counted (test/protocols).
// --only runs the cases whose "protocol: name" matches; --flags are further flags of the exporter; --update writes the
// table into docs/requests.md. Exit status 0: passed.
import { parseArgs } from 'node:util';
import { runTests, usageError } from './run.mjs';

const { values } = parseArgs({
  options: { only: { type: 'string' }, flags: { type: 'string' }, update: { type: 'boolean' } },
});
if (values.update && values.only !== undefined) usageError('protocols: --update needs all cases: expected no --only');
runTests('test/protocols/vitest.config.ts', {
  setups: ['scripts/fetch-protocols.sh'],
  env: {
    ...(values.only !== undefined && { LORIKEET_PROTOCOLS_ONLY: values.only }),
    ...(values.flags !== undefined && { LORIKEET_PROTOCOLS_FLAGS: values.flags }),
    ...(values.update && { LORIKEET_PROTOCOLS_UPDATE: '1' }),
  },
});
