// npm run test:long -- <name> [flags]: sets up the build, and runs tests that take longer than `npm test` may. Without a
// name: lists them. Exit status 0: passed.
//
//   soak [--minutes=15] [--only=faults]                          memory, files and scores over time (test/soak)
//   races [--times=1000] [--minutes=60] [--seed=1] [--only=exporter]   happenings at random moments (test/races)
//   kubernetes [FILE...]                                         on an API server built by Go (test/kubernetes)
//   packages [FILE...]                                           a release made, compared, installed (test/packages)
import { runForLong } from './long-run.mjs';
import { runTests, usageError } from './run.mjs';

const RUNS = {
  soak: (argv) => runForLong('soak', argv),
  races: (argv) => runForLong('races', argv),
  kubernetes: (files) =>
    runTests('vitest.config.ts', {
      files: files.length > 0 ? files : ['test/kubernetes'],
      setups: ['scripts/build-kubernetes-assets.sh'],
      optional: ['scripts/fetch-kubernetes-schemas.sh'],
    }),
  packages: (files) => runTests('test/packages/vitest.config.ts', { files, setups: ['scripts/package.mjs'] }),
};

const [name, ...argv] = process.argv.slice(2);
const run = Object.hasOwn(RUNS, name ?? '') ? RUNS[name] : undefined;
if (run === undefined) {
  const wrong = name === undefined ? 'expected a name' : `unknown tests "${name}"`;
  usageError(`test:long: ${wrong}; there are ${Object.keys(RUNS).join(', ')}`);
}
run(argv);
