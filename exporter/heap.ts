/** Imported first, before anything is allocated. */
import { setFlagsFromString } from 'node:v8';
import { keepYoungGenerationSmall } from '../daemon/young-generation.ts';

// What survives at the start are the names of 20,000 series, by which the space for young objects would have grown for good.
keepYoungGenerationSmall();

// V8 lets the old objects of a small heap become 8 MB more before it collects them, which is most of what a scrape leaves; so
// an exporter would grow for its first quarter of an hour, as if it leaked. With this it collects after 2 MB or a third more.
setFlagsFromString('--optimize-for-size');
