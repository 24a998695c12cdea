/**
 * Imported first, before anything is allocated: what survives here are the names of 20,000 series at the start, by which
 * the space for young objects would have grown for good.
 */
import { keepYoungGenerationSmall } from '../daemon/young-generation.ts';

keepYoungGenerationSmall();
