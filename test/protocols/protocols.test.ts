import { CASES } from './cases/all.ts';
import { testCases } from './suite.ts';

// The others need more than scripts/setup.sh installs: npm run test:protocols.
testCases(CASES.filter(({ always }) => always === true));
