import { readFileSync } from 'node:fs';
import { build } from 'esbuild';

/** Bundles each entry, `{ name: source }`, to `dist/<name>.js`. */
export async function bundle(entryPoints) {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  await build({
    entryPoints,
    outdir: 'dist',
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
    logLevel: 'warning',
  });
}
