// npm run generate: writes every generated file from its source.
import { bundle } from './bundle/bundle.mjs';

await bundle({ generate: 'scripts/generate/main.ts' });
await import('../dist/generate.js');
