import { readFileSync, writeFileSync } from 'node:fs';
import { build, transform } from 'esbuild';

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
    // The engine's native library lies beside its JavaScript; jsdom and esbuild look for files of their own.
    external: ['onnxruntime-node', 'jsdom', 'esbuild'],
    define: { LORIKEET_VERSION: JSON.stringify(version) },
    banner: {
      js: "#!/usr/bin/env node\nimport { createRequire as lorikeetRequire } from 'node:module';\nconst require = lorikeetRequire(import.meta.url);",
    },
    charset: 'ascii',
    logLevel: 'warning',
  });
  for (const { path, text } of outputFiles) writeFileSync(path, await withinLatin1(text));
}

/**
 * V8 keeps a program's text for as long as it runs, in two bytes a character where one lies beyond Latin-1: 2.4 MB of the
 * scorer's memory. In strings such a character is written as its escape; what is left stands in packages' comments, or
 * in regular expressions, of which none may be changed.
 */
async function withinLatin1(text) {
  const narrow = text.replaceAll(/[\u0100-\uffff]/g, '?');
  return (await withoutComments(narrow)) === (await withoutComments(text)) ? narrow : text;
}

async function withoutComments(text) {
  return (await transform(text, { minifyWhitespace: true, legalComments: 'none', charset: 'utf8' })).code;
}
