import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../scripts/free-port.ts';
import { startProgram } from '../testserver/prometheus.ts';
import { stageImage, type ImageName, type ImageTree } from './image.ts';
import { COLLECTORS } from '../../exporter/collectors/all.ts';
import * as paths from '../../scorer/paths.ts';

const trees = {} as Record<ImageName, ImageTree>;
beforeAll(() => {
  for (const name of ['exporter', 'scorer', 'sim'] as const) trees[name] = stageImage(name);
}, 120_000);
afterAll(() => {
  for (const tree of Object.values(trees)) tree.remove();
});

const files = (name: ImageName): string[] => readdirSync(trees[name].folder, { recursive: true, encoding: 'utf8' });
const status = (pid: number): string => readFileSync(`/proc/${pid}/status`, 'utf8');

/** Runs a program of an image during `watch`, which gets its URL and process. */
async function running(
  [command, ...args]: readonly [string, ...string[]],
  port: number,
  watch: (metrics: string, pid: number) => void | Promise<void>,
): Promise<void> {
  const url = `http://127.0.0.1:${port}`;
  const program = await startProgram(command, args, `${url}/-/healthy`);
  try {
    await watch(await (await fetch(`${url}/metrics`)).text(), program.pid);
  } finally {
    await program.kill();
  }
}

describe('the exporter’s image', () => {
  const start = async (capabilities: readonly string[], ...flags: readonly string[]) => {
    const port = await freePort();
    const args = [`--web.listen-address=127.0.0.1:${port}`, ...flags];
    return { port, command: trees.exporter.command('lorikeet-exporter', capabilities, args) };
  };

  test.each([
    { granted: ['bpf', 'perfmon'], flags: [] },
    { granted: ['bpf', 'perfmon'], flags: ['--collector.http_status'] },
  ])('works as user 65532, granted $granted, with $flags, and keeps no capability', async ({ granted, flags }) => {
    const { port, command } = await start(granted, ...flags);
    await running(command, port, (metrics, pid) => {
      const collectors = metrics.match(/^lorikeet_exporter_collector_success\{.*$/gm) ?? [];
      const enabled = COLLECTORS.filter(({ offBecause }) => offBecause === undefined);
      expect(collectors.length).toBe(enabled.length + flags.length);
      expect(collectors.filter((line) => !line.endsWith(' 1'))).toEqual([]);
      expect(status(pid)).toMatch(/^Uid:\t65532\t65532\t65532\t65532$/m);
      expect(status(pid)).toMatch(/^NoNewPrivs:\t1$/m);
      expect(status(pid)).toMatch(/^CapEff:\t0+$/m);
    });
  });

  test('reports capabilities that were not granted', async () => {
    const { command } = await start(['perfmon']);
    const [program, ...args] = command;
    const { status: code, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    expect(stderr).toContain('missing CAP_BPF: run as root, or grant it');
    expect(code).toBe(1);
  });

  test('has no machine-learning engine', () => {
    expect(files('exporter').filter((path) => /onnx|node_modules/.test(path))).toEqual([]);
    expect(components('exporter')).not.toContain('onnxruntime-node');
  });
});

describe('the scorer’s image', () => {
  test('scores as user 65532, without capabilities, and only writes its state', async () => {
    const port = await freePort();
    // At the path of the pod's ConfigMap, below the image's root.
    const config = join(trees.scorer.folder, 'usr/lib/lorikeet/scorer.json');
    const prometheus = { url: 'http://127.0.0.1:9' };
    writeFileSync(
      config,
      JSON.stringify({ prometheus, output: 'metrics', shard: { count: 1 }, state_dir: '/var/lib/lorikeet' }),
    );
    const args = ['run', '--config.file=/usr/lib/lorikeet/scorer.json', `--web.listen-address=127.0.0.1:${port}`];
    await running(trees.scorer.command('lorikeet-scorer', [], args), port, (metrics, pid) => {
      expect(status(pid)).toMatch(/^Uid:\t65532\t/m);
      expect(status(pid)).toMatch(/^CapBnd:\t0+$/m);
      expect(readFileSync(`/proc/${pid}/mounts`, 'utf8')).toMatch(/^\S+ \/ \S+ ro[, ]/m);
      // The shipped model is complete, and the engine runs.
      expect(metrics).toMatch(/^lorikeet_scorer_model_damaged 0$/m);
      const version = execFileSync(process.execPath, ['dist/lorikeet-scorer.js', '--version'], { encoding: 'utf8' });
      const build = /^lorikeet_scorer_build_info\{(.*)\} 1$/m.exec(metrics)?.[1] ?? '';
      const values = [...build.matchAll(/="([^"]+)"/g)].map(([, value]) => value);
      expect(values.length).toBe(5);
      for (const value of values) expect(version).toContain(value);
    });
    execFileSync('rm', [config]);
  });

  test('only has the engine of its own platform', () => {
    const binaries = files('scorer').filter((path) => path.endsWith('onnxruntime_binding.node'));
    expect(binaries.map((path) => path.split('/').slice(-3, -1))).toEqual([['linux', process.arch]]);
    expect(components('scorer')).toContain('onnxruntime-node');
  });
});

test.each(Object.entries(paths).filter(([name]) => name.startsWith('SHIPPED_')))(
  'the scorer’s image has %s',
  (_, path) => {
    const shipped = relative(process.cwd(), String(path));
    expect(files('scorer')).toContain(join('usr/lib/lorikeet', shipped));
  },
);

test('the simulation’s image has its three programs, and what sends spans', () => {
  const [command, ...args] = trees.sim.command('lorikeet-sim', [], ['--version']);
  expect(execFileSync(command, args, { encoding: 'utf8' })).toMatch(/^lorikeet-sim, version \d/);
  expect(files('sim').filter((path) => path.endsWith('.js')).length).toBe(4);
});

interface Sbom {
  readonly spdxVersion: string;
  readonly packages: readonly { readonly name: string; readonly SPDXID: string; readonly versionInfo: string }[];
  readonly relationships: readonly { readonly spdxElementId: string; readonly relatedSpdxElement: string }[];
}

const sbomOf = (name: ImageName): Sbom =>
  JSON.parse(readFileSync(join(trees[name].folder, 'usr/lib/lorikeet/sbom.spdx.json'), 'utf8')) as Sbom;
const components = (name: ImageName): string[] => sbomOf(name).packages.map((component) => component.name);

test.each([
  { image: 'exporter', has: ['prom-client', 'libbpf', 'node'], hasNot: ['undici', 'onnxruntime-node', 'esbuild'] },
  { image: 'scorer', has: ['undici', 'onnxruntime-node', 'node'], hasNot: ['libbpf', 'esbuild'] },
  { image: 'sim', has: ['js-yaml', 'node', '@opentelemetry/sdk-trace-base'], hasNot: ['prom-client', 'libbpf'] },
] as const)('the SBOM of $image has its components, and no others', ({ image, has, hasNot }) => {
  const { spdxVersion, packages, relationships } = sbomOf(image);
  expect(spdxVersion).toBe('SPDX-2.3');
  expect(components(image)).toEqual(expect.arrayContaining([...has]));
  for (const name of hasNot) expect(components(image)).not.toContain(name);
  expect(packages.every(({ versionInfo }) => /\d/.test(versionInfo))).toBe(true);
  const ids = new Set(['SPDXRef-DOCUMENT', ...packages.map(({ SPDXID }) => SPDXID)]);
  const dangling = relationships.flatMap(({ spdxElementId, relatedSpdxElement }) =>
    [spdxElementId, relatedSpdxElement].filter((id) => !ids.has(id)),
  );
  expect(dangling).toEqual([]);
});
