/** Imported first, before anything is allocated or compiled. */
import { setFlagsFromString } from 'node:v8';
import { keepYoungGenerationSmall } from '../../daemon/memory/young-generation.ts';

// The names of 20,000 series survive the start; they would permanently enlarge the space for young objects.
keepYoungGenerationSmall();

// By default V8 lets a small heap grow by megabytes before it collects old objects. exporter-memory.ts collects the
// rest.
setFlagsFromString('--optimize-for-size');

// V8 never frees baseline code or its feedback. Over days of scrapes it would compile nearly everything that a scrape
// runs, and RSS would creep up by megabytes. So compile only hot functions, straight to TurboFan, at 15 times the
// default threshold: those that dominate a scrape are still compiled within the first scrapes.
setFlagsFromString('--no-sparkplug');
setFlagsFromString('--no-maglev');
// V8 versions differ in the unit of the threshold, and reject each other's flags.
setFlagsFromString(
  process.versions.node.startsWith('20.') ? '--interrupt-budget=1000000' : '--invocation-count-for-turbofan=45000',
);
