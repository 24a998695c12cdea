/** Imported first, before anything is allocated or compiled. */
import { setFlagsFromString } from 'node:v8';
import { compileOnlyHotFunctions } from '../../daemon/memory/machine-code.ts';
import { keepYoungGenerationSmall } from '../../daemon/memory/young-generation.ts';

// The names of 20,000 series survive the start; they would permanently enlarge the space for young objects.
keepYoungGenerationSmall();

compileOnlyHotFunctions();

// By default V8 lets a small heap grow by megabytes before it collects old objects. exporter-memory.ts collects the
// rest.
setFlagsFromString('--optimize-for-size');
