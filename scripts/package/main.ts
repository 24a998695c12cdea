import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildInfo } from '../bundle/build-info.mjs';
import { APART, bundle, PROGRAMS } from '../bundle/bundle.mjs';
import { ImageArchives, IMAGES, whyNoImages } from '../images/archives.ts';
import { archive, imageArchive, sha256 } from './archive.ts';
import { baseComponents, type Component, componentsOf } from './contents/components.ts';
import { buildDeb, DEB_PACKAGES, debVersion } from './deb.ts';
import { architecture } from './platform.ts';
import { renderSbom } from './contents/sbom.ts';

/* All files of a release, for this machine's platform. */

const { values } = parseArgs({
  options: { out: { type: 'string', default: 'build/package' }, version: { type: 'string' } },
});
const git = (...args: readonly string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();
const epoch = (process.env['SOURCE_DATE_EPOCH'] ||= git('log', '-1', '--format=%ct'));
const build = buildInfo(values.version);
const { version } = build;
const out = resolve(values.out);
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
mkdirSync('build', { recursive: true });
const work = mkdtempSync(resolve('build/.package-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));

const say = (what: string): void => void process.stdout.write(`package: ${what}\n`);
const node = join(execFileSync('bash', ['scripts/package/fetch-node.sh'], { encoding: 'utf8' }).trim(), 'bin/node');

/** Programs, bundled with the date of the commit; `dist` has none. */
async function programs(): Promise<string> {
  const dist = join(work, 'dist');
  mkdirSync(dist);
  await bundle({ ...PROGRAMS, ...APART }, { outdir: dist, version });
  writeFileSync(join(dist, 'package.json'), '{ "type": "module" }\n');
  for (const name of ['lorikeet.bpf.o', 'lorikeet_native.node', 'lorikeet_memory.node']) {
    cpSync(join('dist', name), join(dist, name));
  }
  return dist;
}

/** The folder of one program, complete with Node.js. */
function tree(program: keyof typeof DEB_PACKAGES, dist: string): string {
  const { name } = DEB_PACKAGES[program];
  const folder = join(work, 'trees', name);
  execFileSync('bash', ['scripts/package/program-tree.sh', program, folder, node, dist], { stdio: 'inherit' });
  mkdirSync(join(folder, 'bin'));
  cpSync(node, join(folder, 'bin/node'));
  cpSync('scripts/package/launcher.sh', join(folder, name));
  for (const file of [join(folder, 'bin/node'), join(folder, name)]) chmodSync(file, 0o755);
  return folder;
}

const made: { readonly name: string; readonly file: string; readonly components: readonly Component[] }[] = [];

function add(name: string, file: string, components: readonly Component[] = []): string {
  say(file);
  made.push({ name, file, components });
  return join(out, file);
}

async function packageProgram(program: keyof typeof DEB_PACKAGES, dist: string): Promise<void> {
  const deb = DEB_PACKAGES[program];
  const { name } = deb;
  const components = await componentsOf(program, node);
  const folder = tree(program, dist);
  const help = execFileSync(join(folder, name), ['--help'], { encoding: 'utf8' });
  const debFile = add(name, `${name}_${debVersion(version)}_${architecture()}.deb`, components);
  buildDeb(debFile, deb, { tree: folder, staging: join(work, 'debs', name), version, help, epoch });
  // Whoever unpacks an archive needs the unit and the configuration beside it.
  const unpacked = `${name}-${version}.linux-${architecture()}`;
  const whole = join(work, 'archives', unpacked);
  cpSync(folder, whole, { recursive: true });
  for (const [etc, source] of Object.entries(deb.conffiles)) {
    const file = join(whole, 'etc', etc);
    mkdirSync(join(file, '..'), { recursive: true });
    cpSync(source, file);
  }
  cpSync(`manifests/systemd/${name}.service`, join(whole, `${name}.service`));
  archive(add(name, `${unpacked}.tar.gz`, components), join(work, 'archives'), unpacked, epoch);
}

/** As archives for whoever has no registry that can be reached; the release's workflow pushes those of the registries' base. */
async function packageImages(dist: string): Promise<void> {
  const lack = whyNoImages();
  if (lack !== undefined) {
    say(`NO IMAGES: ${lack}`);
    return;
  }
  const folder = join(work, 'images');
  mkdirSync(folder);
  const images = new ImageArchives({ folder, dist, node, registry: 'localhost', version, epoch });
  for (const image of IMAGES) {
    const components = [...(await componentsOf(image, node)), ...baseComponents()];
    const file = `lorikeet-${image}-image-${version}.linux-${architecture()}.tar`;
    imageArchive(add(`lorikeet-${image}`, file, components), images.build(image), epoch);
  }
}

function packageChart(): void {
  const folder = join(work, 'chart');
  execFileSync('bash', ['scripts/package/chart.sh', folder], { stdio: 'inherit' });
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.tgz'))) {
    cpSync(join(folder, file), add('lorikeet-chart', file));
  }
}

/** Rules, alerts, dashboards, scrape configurations and what machines need, at the paths that mixin.libsonnet and guides name. */
const MIXIN = [
  'LICENSE',
  'mixin.libsonnet',
  'manifests/generated/rules.json',
  'manifests/prometheus/scrape-configs.yaml',
  'manifests/prometheus/scrape-configs.kubernetes.yaml',
  'manifests/prometheus/alertmanager.yaml',
  'manifests/hosts',
  'rules/services.alerts.yaml',
  'rules/detectors.alerts.yaml',
  'rules/lorikeet.alerts.yaml',
  'rules/generated',
  'dashboards/generated',
];

function packageMixin(): void {
  const name = `lorikeet-mixin-${version}`;
  for (const path of MIXIN) cpSync(path, join(work, name, path), { recursive: true });
  archive(add('lorikeet-mixin', `${name}.tar.gz`), work, name, epoch);
}

const dist = await programs();
await packageProgram('exporter', dist);
await packageProgram('scorer', dist);
await packageImages(dist);
packageChart();
packageMixin();
for (const { name, file, components } of made) {
  const described = { name: file, sha256: sha256(join(out, file)) };
  writeFileSync(join(out, `${file}.spdx.json`), renderSbom({ name, build, components, file: described }));
}
const sums = readdirSync(out)
  .toSorted()
  .map((file) => `${sha256(join(out, file))}  ${file}\n`);
writeFileSync(join(out, 'SHA256SUMS'), sums.join(''));
say(`${sums.length + 1} files in ${out}`);
