// node scripts/package/contents/describe.mjs exporter|scorer|sim FOLDER NODE: writes SBOM and licences of a program to FOLDER.
import { bundle } from '../../bundle/bundle.mjs';

await bundle({ describe: 'scripts/package/contents/describe.ts' });
await import('../../../dist/describe.js');
