// npm run generate: writes every generated file anew from its one source.
import { bundle } from './bundle.mjs';

await bundle({ generate: 'scripts/generate/main.ts' });
await import('../dist/generate.js');
