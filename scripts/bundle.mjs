import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { build } from 'esbuild';

/**
 * Modules that a program imports only when it needs them, and their files. In the program's own file their text would
 * take memory, several megabytes of it, from those who never do.
 */
export const APART = { 'lorikeet-kubeconfig': 'exporter/identity/kubernetes/kubeconfig.ts' };

/** Bundles each entry, `{ name: source }`, to `<outdir>/<name>.js`. */
export async function bundle(entryPoints, { outdir = 'dist', version = ownVersion() } = {}) {
  await build({
    entryPoints,
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // The engine's native library lies beside its JavaScript; jsdom and vitest read files of their own.
    external: ['onnxruntime-node', 'jsdom', 'vitest'],
    plugins: [{ name: 'apart', setup: leaveApart }],
    define: { LORIKEET_VERSION: JSON.stringify(version) },
    banner: {
      js: "#!/usr/bin/env node\nimport { createRequire as lorikeetRequire } from 'node:module';\nconst require = lorikeetRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
}

function ownVersion() {
  return JSON.parse(readFileSync('package.json', 'utf8')).version;
}

function leaveApart({ onResolve }) {
  onResolve({ filter: /^\.\.?\// }, ({ kind, path }) => {
    const name = kind === 'dynamic-import' && Object.keys(APART).find((file) => path.endsWith(basename(APART[file])));
    return name ? { path: `./${name}.js`, external: true } : undefined;
  });
}
