/**
 * Compares libraries for signatures of AWS and tokens of Microsoft Entra ID: packages and bytes installed, bytes of a
 * program with the library, and what loading that program takes in time and memory. Installs each in a temporary folder.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { median } from '../../scorer/numeric/statistics.ts';
import { writeResults } from '../results.ts';

const LOADS = 9;

interface Library {
  readonly what: string;
  readonly install: readonly string[];
  /** A program with what a client needs of it. */
  readonly use: string;
}

const LIBRARIES: readonly Library[] = [
  {
    what: '@smithy/signature-v4, @aws-sdk/credential-providers',
    install: ['@smithy/signature-v4@5.7.5', '@aws-sdk/credential-providers@3.1175.0'],
    use: `import { SignatureV4 } from '@smithy/signature-v4';
      import { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers';
      export const kept = [SignatureV4, fromNodeProviderChain, fromTemporaryCredentials];`,
  },
  {
    what: '@smithy/signature-v4, @aws-sdk/credential-provider-node, @aws-sdk/client-sts',
    install: [
      '@smithy/signature-v4@5.7.5',
      '@aws-sdk/credential-provider-node@3.972.97',
      '@aws-sdk/client-sts@3.1169.0',
    ],
    use: `import { SignatureV4 } from '@smithy/signature-v4';
      import { defaultProvider } from '@aws-sdk/credential-provider-node';
      import { STSClient, AssumeRoleCommand } from '@aws-sdk/client-sts';
      export const kept = [SignatureV4, defaultProvider, STSClient, AssumeRoleCommand];`,
  },
  {
    what: 'aws4',
    install: ['aws4@1.13.2'],
    use: `import aws4 from 'aws4'; export const kept = aws4;`,
  },
  {
    what: '@azure/identity',
    install: ['@azure/identity@4.13.1'],
    use: `import { ClientSecretCredential, DefaultAzureCredential, ManagedIdentityCredential, WorkloadIdentityCredential } from '@azure/identity';
      export const kept = [ClientSecretCredential, DefaultAzureCredential, ManagedIdentityCredential, WorkloadIdentityCredential];`,
  },
  {
    what: '@azure/msal-node',
    install: ['@azure/msal-node@7.2.1'],
    use: `import { ConfidentialClientApplication, ManagedIdentityApplication } from '@azure/msal-node';
      export const kept = [ConfidentialClientApplication, ManagedIdentityApplication];`,
  },
];

const LOADER = `
const before = process.memoryUsage.rss();
const started = performance.now();
await import(process.argv[1]);
process.stdout.write(JSON.stringify([performance.now() - started, process.memoryUsage.rss() - before]));
`;

async function measure(folder: string, { what, install, use }: Library) {
  const flags = ['--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', '--silent'];
  execFileSync('npm', ['install', ...flags, ...install], { stdio: 'inherit' });
  const files = readdirSync(join(folder, 'node_modules'), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const program = join(folder, 'program.mjs');
  await build({
    stdin: { contents: use, resolveDir: folder },
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'error',
  });
  const loads = Array.from({ length: LOADS }, () => {
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', LOADER, program], { encoding: 'utf8' });
    return JSON.parse(out) as [milliseconds: number, bytes: number];
  });
  return {
    what,
    packages: files.filter((file) => /node_modules\/(@[^/]+\/)?[^/@]+\/package\.json$/.test(file)).length,
    installed_mb: Number((files.reduce((sum, file) => sum + statSync(file).size, 0) / 1e6).toFixed(1)),
    script_kb: Math.round(statSync(program).size / 1e3),
    load_ms: Math.round(median(loads.map(([milliseconds]) => milliseconds))),
    load_mb: Number((median(loads.map(([, bytes]) => bytes)) / 1e6).toFixed(1)),
  };
}

const rows = [];
for (const library of LIBRARIES) {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-credentials-'));
  try {
    rows.push(await measure(folder, library));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
writeResults('experiments/cloud-credentials', rows);
