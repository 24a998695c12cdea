import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeResults } from './results.ts';

/* `npm run bench -- images`: the size of each image without its base, in megabytes, and its parts. */
interface Row {
  readonly image: string;
  readonly files: number;
  readonly total_mb: number;
  readonly node_mb: number;
  readonly engine_mb: number;
  /** Programs, BPF object, addon, model, SBOM. */
  readonly own_mb: number;
  /** Compressed, as in a registry. */
  readonly compressed_mb: number;
}

/** The one that images are built with. */
const shippedNode = `${execFileSync('bash', ['scripts/package/fetch-node.sh'], { encoding: 'utf8' }).trim()}/bin/node`;

const megabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10;

function measure(image: string): Row {
  const parent = mkdtempSync(join(tmpdir(), 'lorikeet-images-'));
  try {
    const folder = join(parent, image);
    execFileSync('bash', ['scripts/images/image-tree.sh', image, folder, shippedNode]);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((path) => ({ path, stat: lstatSync(join(folder, path)) }))
      .filter(({ stat }) => stat.isFile());
    const sum = (of: (path: string) => boolean): number =>
      files.filter(({ path }) => of(path)).reduce((bytes, { stat }) => bytes + stat.size, 0);
    const [total, node, engine] = [sum(() => true), sum(isNode), sum(isEngine)];
    const archive = execFileSync('sh', ['-c', 'tar -C "$0" -cf - . | gzip -6 | wc -c', folder], { encoding: 'utf8' });
    return {
      image,
      files: files.length,
      total_mb: megabytes(total),
      node_mb: megabytes(node),
      engine_mb: megabytes(engine),
      own_mb: megabytes(total - node - engine),
      compressed_mb: megabytes(Number(archive)),
    };
  } finally {
    rmSync(parent, { recursive: true });
  }
}

const isNode = (path: string): boolean => path === 'usr/local/bin/node';
const isEngine = (path: string): boolean => path.includes('node_modules/onnxruntime');

const { rows } = writeResults('images', ['exporter', 'scorer', 'sim'].map(measure));
for (const {
  image,
  total_mb: total,
  node_mb: node,
  engine_mb: engine,
  own_mb: own,
  compressed_mb: compressed,
} of rows) {
  process.stdout.write(
    `${image.padEnd(9)} ${total} MB: node ${node}, onnxruntime ${engine}, its own ${own}; compressed ${compressed}\n`,
  );
}
