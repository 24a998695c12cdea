import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildInfo } from '../bundle/build-info.mjs';

export const IMAGES = ['exporter', 'scorer', 'sim'] as const;
export type ImageName = (typeof IMAGES)[number];

/** Why this machine can build no images; undefined if it can. */
export function whyNoImages(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  const needed = { buildah: 'buildah', setcap: 'libcap2-bin' };
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
  const missing = Object.entries(needed).filter(([program]) => spawnSync(program, ['-h'], { env }).error !== undefined);
  if (missing.length === 0) return undefined;
  return `no ${missing.map(([program]) => program).join(', no ')} (Debian: apt-get install ${missing.map(([, name]) => name).join(' ')})`;
}

export interface ImageSource {
  /** An existing folder, in which everything is built. */
  readonly folder: string;
  /** What was bundled and compiled. */
  readonly dist: string;
  /** The Node.js in the images. */
  readonly node: string;
  /** Before the names: `registry/lorikeet-exporter:version`. */
  readonly registry: string;
  readonly version: string;
  /** The time of everything in the images, seconds since 1970. */
  readonly epoch: string;
}

/**
 * Builds the images of manifests/images/Dockerfile with buildah, on a base of this Debian's libraries. The stages that
 * build are replaced by what was built here. The same sources make the same images; nothing is mounted.
 */
export class ImageArchives {
  readonly #source: ImageSource;
  readonly #base: string;

  constructor(source: ImageSource) {
    this.#source = source;
    this.#base = this.#buildBase();
  }

  name(image: ImageName): string {
    const { registry, version } = this.#source;
    return `${registry}/lorikeet-${image}:${version}`;
  }

  /** @returns the folder of its OCI image layout, https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md */
  build(image: ImageName): string {
    const { folder, dist, node, version } = this.#source;
    const context = join(folder, `${image}-tree`);
    mkdirSync(context);
    execFileSync('bash', ['scripts/images/image-tree.sh', image, join(context, 'image'), node, dist], {
      stdio: 'pipe',
    });
    const args = { BASE: this.#base, VERSION: version, REVISION: buildInfo(version).revision };
    this.#bud(this.name(image), resolve('manifests/images/Dockerfile'), this.#empty(image), [
      ...Object.entries(args).map(([name, value]) => `--build-arg=${name}=${value}`),
      `--build-context=${image}-tree=${context}`,
      `--target=${image}`,
    ]);
    const layout = join(folder, image);
    this.#buildah('push', '--quiet', this.name(image), `oci:${layout}:${version}`);
    nameForRuntimes(layout, this.name(image));
    return layout;
  }

  #buildBase(): string {
    const { epoch } = this.#source;
    const context = this.#empty('base');
    const env = { ...process.env, SOURCE_DATE_EPOCH: epoch };
    execFileSync('bash', ['scripts/images/base.sh', join(context, 'base.tar')], { stdio: 'pipe', env });
    this.#bud('localhost/lorikeet-base', resolve('scripts/images/base.Containerfile'), context, []);
    return 'localhost/lorikeet-base';
  }

  #empty(name: string): string {
    const context = join(this.#source.folder, `${name}-context`);
    mkdirSync(context);
    return context;
  }

  #bud(name: string, file: string, context: string, flags: readonly string[]): void {
    const same = [`--timestamp=${this.#source.epoch}`, '--identity-label=false'];
    this.#buildah('bud', '--quiet', '--isolation=chroot', ...same, ...flags, `--tag=${name}`, '-f', file, context);
  }

  #buildah(command: string, ...args: readonly string[]): void {
    const storage = ['root', 'runroot'].map((name) => `--${name}=${join(this.#source.folder, name)}`);
    execFileSync('buildah', [...storage, '--storage-driver=vfs', command, ...args], { stdio: 'pipe' });
  }
}

/** By the image layout's own annotation an image has only a tag; this one has the whole name, as Docker writes it. */
function nameForRuntimes(layout: string, name: string): void {
  interface Index {
    readonly manifests: readonly { readonly annotations?: Readonly<Record<string, string>> }[];
  }
  const file = join(layout, 'index.json');
  const index = JSON.parse(readFileSync(file, 'utf8')) as Index;
  const manifests = index.manifests.map((manifest) => {
    return { ...manifest, annotations: { ...manifest.annotations, 'io.containerd.image.name': name } };
  });
  writeFileSync(file, JSON.stringify({ ...index, manifests }));
}
