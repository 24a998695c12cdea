import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { build, transform } from 'esbuild';
import { buildInfo } from './build-info.mjs';

/** The programs of a release and their main modules. */
export const PROGRAMS = {
  'lorikeet-exporter': 'exporter/main.ts',
  'lorikeet-scorer': 'scorer/main.ts',
  'lorikeet-sim': 'microsim/main.ts',
  'lorikeet-sim-service': 'microsim/service/main.ts',
  'lorikeet-sim-load': 'microsim/load/main.ts',
};

/**
 * Modules that a program only imports on demand, and their files. In the program's own file, their text would always
 * take several megabytes of memory.
 */
export const APART = {
  'lorikeet-azuread': 'daemon/http-client/auth/azuread.ts',
  'lorikeet-kubeconfig': 'exporter/identity/kubernetes/api/kubeconfig.ts',
  'lorikeet-sigv4': 'daemon/http-client/auth/sigv4.ts',
  'lorikeet-sim-tracing': 'microsim/service/tracing-sdk.ts',
};

/** esbuild options for all programs. */
export function bundleOptions(entryPoints, { outdir = 'dist', version } = {}) {
  return {
    entryPoints,
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // onnxruntime's native library is next to its JavaScript; jsdom, esbuild and vitest read their own files.
    external: ['onnxruntime-node', 'jsdom', 'esbuild', 'vitest'],
    plugins: [{ name: 'apart', setup: leaveApart }],
    define: { LORIKEET_BUILD: JSON.stringify(buildInfo(version)) },
    banner: {
      js: "#!/usr/bin/env node\nimport { createRequire as lorikeetRequire } from 'node:module';\nconst require = lorikeetRequire(import.meta.url);",
    },
    charset: 'ascii',
    logLevel: 'warning',
  };
}

/** Bundles each entry, `{ name: source }`, to `<outdir>/<name>.js`. */
export async function bundle(entryPoints, where) {
  const { outputFiles } = await build({ ...bundleOptions(entryPoints, where), write: false });
  for (const { path, text } of outputFiles) writeFileSync(path, await withinLatin1(text));
}

/**
 * V8 keeps a program's source text, with two bytes per character if any is outside Latin-1: 2.4 MB for the scorer.
 * esbuild escapes such characters in strings. The remaining ones are in comments of packages, or in regular
 * expressions, which must not be changed.
 */
async function withinLatin1(text) {
  const narrow = text.replaceAll(/[\u0100-\uffff]/g, '?');
  return (await withoutComments(narrow)) === (await withoutComments(text)) ? narrow : text;
}

async function withoutComments(text) {
  return (await transform(text, { minifyWhitespace: true, legalComments: 'none', charset: 'utf8' })).code;
}

function leaveApart({ onResolve }) {
  onResolve({ filter: /^\.\.?\// }, ({ kind, path }) => {
    const name = kind === 'dynamic-import' && Object.keys(APART).find((file) => path.endsWith(basename(APART[file])));
    return name ? { path: `./${name}.js`, external: true } : undefined;
  });
}
