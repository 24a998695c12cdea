/** Imported first, before anything is allocated. */
import { setFlagsFromString } from 'node:v8';
import { keepYoungGenerationSmall } from '../daemon/young-generation.ts';

// What survives at the start are the names of 20,000 series, by which the space for young objects would have grown for good.
keepYoungGenerationSmall();

// By itself V8 lets a small heap become megabytes larger before it collects old objects: an exporter would grow for its first
// half hour, from 16 MB of anonymous memory to 26, as if it leaked.
setFlagsFromString('--optimize-for-size');
