// npm run preview / npm run pictures: bundles the page for browsers and the program for Node.js, and runs the program.
import { copyFileSync } from 'node:fs';
import { build } from 'esbuild';
import { bundle } from './bundle/bundle.mjs';

const [name, ...args] = process.argv.slice(2);
const entries = { preview: 'scripts/preview/main.ts', pictures: 'scripts/preview/pictures.ts' };
await bundle({ [name]: entries[name] });
await build({
  entryPoints: { 'preview-page': 'scripts/preview/page/page.ts', 'preview-style': 'scripts/preview/page/page.css' },
  outdir: 'dist',
  bundle: true,
  minify: true,
  platform: 'browser',
  format: 'esm',
  logLevel: 'warning',
});
copyFileSync('scripts/preview/page/preview.html', 'dist/preview.html');
process.argv.splice(2, Infinity, ...args);
await import(`../dist/${name}.js`);
