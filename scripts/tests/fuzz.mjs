// npm run test:fuzz -- [--minutes=10] [--seed=1] [--inputs=1000] [--target=scorer]: sets up the build and tries changed
// examples on every parser of what others wrote. Exit status 0: passed.
import { runForLong } from './long-run.mjs';

runForLong('fuzz', process.argv.slice(2));
