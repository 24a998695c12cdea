// npm run preview -- [pictures] [flags]: bundles the page for browsers and the program for Node.js, and runs the program:
// the dashboards' panels in a browser, or the pictures of the documentation.
import { copyFileSync } from 'node:fs';
import { build } from 'esbuild';
import { bundle } from './bundle/bundle.mjs';

const [first, ...rest] = process.argv.slice(2);
const name = first === 'pictures' ? first : 'preview';
const args = name === first ? rest : process.argv.slice(2);
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
