import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

/** Bundles each entry, `{ name: source }`, to `dist/<name>.js`. */
export async function bundle(entryPoints) {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const { outputFiles } = await build({
    entryPoints,
    outdir: 'dist',
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // The engine's native library lies beside its JavaScript; jsdom reads files of its own.
    external: ['onnxruntime-node', 'jsdom'],
    define: { LORIKEET_VERSION: JSON.stringify(version) },
    banner: {
      js: "#!/usr/bin/env node\nimport { createRequire as lorikeetRequire } from 'node:module';\nconst require = lorikeetRequire(import.meta.url);",
    },
    charset: 'ascii',
    logLevel: 'warning',
  });
  mkdirSync('dist', { recursive: true });
  for (const { path, text } of outputFiles) writeFileSync(path, withinLatin1(text));
}

/**
 * V8 keeps a program's text for as long as it runs, in two bytes a character where one lies beyond Latin-1: 2.4 MB of the
 * scorer's memory. In code such a character is written as its escape; what is left stands in packages' comments.
 */
function withinLatin1(text) {
  return text.replaceAll(/[\u0100-\uffff]/g, '?');
}
