/** Imported first, before anything is allocated or compiled. */
import { setFlagsFromString } from 'node:v8';
import { keepYoungGenerationSmall } from '../../daemon/memory/young-generation.ts';

// What survives at the start are the names of 20,000 series, by which the space for young objects would have grown for good.
keepYoungGenerationSmall();

// By itself V8 lets a small heap become megabytes larger before it collects old objects. What it leaves, memory.ts collects.
setFlagsFromString('--optimize-for-size');

// Machine code stays, and so does all that it was made from. By itself V8 makes it, over days of scrapes, for nearly everything
// that a scrape runs, and an exporter would grow by megabytes, as if it leaked. What a scrape's time goes into is compiled
// within the first ones all the same, only from bytecode and at once to the end: fifteen times as much has to run before.
setFlagsFromString('--no-sparkplug');
setFlagsFromString('--no-maglev');
// Each version of V8 counts in its own unit, and complains of others' flags.
setFlagsFromString(
  process.versions.node.startsWith('20.') ? '--interrupt-budget=1000000' : '--invocation-count-for-turbofan=45000',
);
