/**
 * Compares libraries that could decode OTLP's protobuf: packages and bytes installed, bytes of a program that decodes a
 * span, and time to decode one with the messages of trace.proto. Installs each in a temporary folder.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { ProtobufWriter } from '../../daemon/wire/protobuf.ts';
import { writeSpan } from '../../scorer/traces/otlp/requests.testdata.ts';
import { writeResults } from '../results.ts';
import { tracesAsResources } from '../traces/workload.ts';

type Decode = (span: Uint8Array) => unknown;

const PROTO = resolve('scorer/traces/otlp/trace.proto');
const GENERATED = resolve('scorer/traces/otlp/generated/trace_pb.ts');

interface Library {
  readonly what: string;
  readonly install: string;
  /** A program that decodes a span, for its size. */
  readonly use: string;
  readonly decoder?: (folder: string) => Promise<Decode>;
}

const LIBRARIES: readonly Library[] = [
  {
    what: '@bufbuild/protobuf',
    install: '@bufbuild/protobuf@2.17.0',
    use: `import { fromBinary } from '@bufbuild/protobuf';
      import { SpanSchema } from '${GENERATED}';
      export const decode = (bytes) => fromBinary(SpanSchema, bytes, { readUnknownFields: false });`,
    decoder: async (folder) =>
      ((await import(pathToFileURL(join(folder, 'program.mjs')).href)) as { decode: Decode }).decode,
  },
  {
    what: 'protobufjs',
    install: 'protobufjs@8.8.1',
    // Generated code needs only this part.
    use: `import protobuf from 'protobufjs/minimal.js'; export const decode = protobuf;`,
    decoder: async (folder) => {
      const protobuf = createRequire(join(folder, 'index.js'))('protobufjs') as {
        parse(text: string): { root: { lookupType(name: string): { decode: Decode } } };
      };
      const type = protobuf.parse(readFileSync(PROTO, 'utf8')).root.lookupType('lorikeet.otlp.Span');
      return (bytes) => type.decode(bytes);
    },
  },
  {
    what: '@opentelemetry/otlp-transformer',
    // The newest for Node 20. It writes requests and reads answers; nothing that it exports reads requests.
    install: '@opentelemetry/otlp-transformer@0.223.1',
    use: `import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'; export const kept = ProtobufTraceSerializer;`,
  },
];

const SPANS = tracesAsResources(200).flatMap(({ spans }) =>
  spans.map((span) => {
    const writer = new ProtobufWriter();
    writeSpan(writer, span);
    return Uint8Array.from(writer.finish());
  }),
);

/** Microseconds per span: the minimum of many rounds, as other processes only add time. */
function timeOf(decode: Decode): number {
  let least = Infinity;
  for (let round = 0; round < 100; round++) {
    const start = performance.now();
    for (const span of SPANS) decode(span);
    least = Math.min(least, performance.now() - start);
  }
  return Number(((least * 1000) / SPANS.length).toFixed(2));
}

async function measure(folder: string, { what, install, use, decoder }: Library) {
  const flags = ['--prefix', folder, '--legacy-peer-deps', '--no-audit', '--no-fund', '--ignore-scripts', '--silent'];
  execFileSync('npm', ['install', ...flags, install], { stdio: 'inherit' });
  const files = readdirSync(join(folder, 'node_modules'), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const program = await build({
    stdin: { contents: use, resolveDir: folder },
    outfile: join(folder, 'program.mjs'),
    bundle: true,
    minify: true,
    metafile: true,
    platform: 'node',
    format: 'esm',
    nodePaths: [join(folder, 'node_modules')],
    logLevel: 'error',
  });
  return {
    what,
    packages: files.filter((file) => /node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(file)).length,
    installed_mb: Number((files.reduce((sum, file) => sum + statSync(file).size, 0) / 1e6).toFixed(1)),
    script_kb: Math.round(Object.values(program.metafile.outputs).reduce((sum, { bytes }) => sum + bytes, 0) / 1e3),
    decode_us: decoder === undefined ? null : timeOf(await decoder(folder)),
  };
}

const rows = [];
for (const library of LIBRARIES) {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-decoder-'));
  try {
    rows.push(await measure(folder, library));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
writeResults('otlp-decoders', rows);
