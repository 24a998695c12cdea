import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ImageArchives, IMAGES } from '../../images/archives.ts';
import { imageArchive } from '../../package/archive.ts';
import { PAUSE_IMAGE } from '../kubernetes/node.ts';
import { CONTROL_PLANE, type Machine } from '../machine/machine.ts';
import type { Programs } from '../programs/programs.ts';

/** In place of a registry: nodes have the images already, and pull none. README's command names it. */
export const REGISTRY = 'registry.example';
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
export const SIM_IMAGE = `${REGISTRY}/lorikeet-sim:${version}`;
export const COREDNS_IMAGE = 'localhost/coredns:1';
const BASE_IMAGE = 'localhost/base:1';

export interface BuiltImage {
  readonly name: string;
  /** Path of an archive with its name, which containerd imports. */
  readonly archive: string;
}

/** An image of one program, at the path that its users expect. */
interface ProgramImage {
  readonly name: string;
  readonly program: string;
  readonly entrypoint: string;
  readonly base?: string;
}

/** Builds the images of a cluster with buildah, in the machine, so that its mounts end with it. */
export class ImageBuilder {
  readonly #machine: Machine;
  readonly #programs: Programs;
  readonly #folder: string;

  constructor(machine: Machine, programs: Programs) {
    this.#machine = machine;
    this.#programs = programs;
    this.#folder = join(machine.folder, 'images');
    mkdirSync(this.#folder);
  }

  /** The image that a node needs before its first pod. */
  pause(): Promise<BuiltImage> {
    return this.#ofProgram({ name: PAUSE_IMAGE, program: this.#programs.pause, entrypoint: '/pause' });
  }

  /** Of names, and of Prometheus and its operator under the names that the operator gives them. */
  async others(): Promise<BuiltImage[]> {
    const prometheus = this.prometheus();
    const operator = operatorImages(this.#programs);
    await this.#base();
    const images: readonly ProgramImage[] = [
      { name: COREDNS_IMAGE, program: this.#programs.coredns, entrypoint: '/coredns' },
      { name: operator.operator, program: this.#programs['prometheus-operator'], entrypoint: '/bin/operator' },
      {
        name: operator.reloader,
        program: this.#programs['prometheus-config-reloader'],
        entrypoint: '/bin/prometheus-config-reloader',
      },
      { name: prometheus.image, program: prometheus.program, entrypoint: '/bin/prometheus', base: BASE_IMAGE },
    ];
    const built: BuiltImage[] = [];
    for (const image of images) built.push(await this.#ofProgram(image));
    return built;
  }

  /** As a release has them, with this build's programs. */
  lorikeet(): BuiltImage[] {
    const node = join(execFileSync('bash', ['scripts/package/fetch-node.sh'], { encoding: 'utf8' }).trim(), 'bin/node');
    const folder = join(this.#folder, 'lorikeet');
    mkdirSync(folder);
    const epoch = String(Math.floor(Date.now() / 1000));
    const images = new ImageArchives({ folder, dist: 'dist', node, registry: REGISTRY, version, epoch });
    return IMAGES.map((image) => {
      const archive = join(folder, `${image}.tar`);
      imageArchive(archive, images.build(image), epoch);
      return { name: images.name(image), archive };
    });
  }

  prometheus(): { readonly program: string; readonly version: string; readonly image: string } {
    const { prometheus: program } = this.#programs;
    const text = execFileSync(program, ['--version'], { encoding: 'utf8' });
    const [, number] = /version (\d+\.\d+\.\d+)/.exec(text) ?? [];
    if (number === undefined) throw new Error(`${program} --version: expected a version, got ${text}`);
    return { program, version: `v${number}`, image: `quay.io/prometheus/prometheus:v${number}` };
  }

  async #base(): Promise<void> {
    const archive = join(this.#folder, 'base.tar');
    execFileSync('bash', ['scripts/images/base.sh', archive], { stdio: 'pipe' });
    const file = resolve('scripts/images/base.Containerfile');
    await this.#buildah('bud', '--quiet', '--isolation=chroot', `--tag=${BASE_IMAGE}`, '-f', file, this.#folder);
  }

  async #ofProgram({ name, program, entrypoint, base = 'scratch' }: ProgramImage): Promise<BuiltImage> {
    const file = join(this.#folder, `${basename(entrypoint)}.Containerfile`);
    const copy = `COPY ${basename(program)} ${entrypoint}`;
    writeFileSync(file, `FROM ${base}\n${copy}\nENTRYPOINT ["${entrypoint}"]\n`);
    return this.#build(name, file, dirname(program));
  }

  async #build(name: string, file: string, context: string): Promise<BuiltImage> {
    const archive = join(this.#folder, `${name.replaceAll(/[^\w.]/g, '-')}.tar`);
    await this.#buildah('bud', '--quiet', '--isolation=chroot', `--tag=${name}`, '-f', file, context);
    await this.#buildah('push', '--quiet', name, `docker-archive:${archive}:${name}`);
    return { name, archive };
  }

  async #buildah(command: string, ...args: readonly string[]): Promise<void> {
    const storage = ['root', 'runroot'].map((name) => `--${name}=${join(this.#folder, name)}`);
    const buildah = [this.#programs.buildah, ...storage, '--storage-driver=overlay', command, ...args];
    await this.#machine.run(CONTROL_PLANE, buildah);
  }
}

/** The names in Prometheus Operator's manifest. */
function operatorImages(programs: Programs): { readonly operator: string; readonly reloader: string } {
  const manifest = readFileSync(operatorManifest(programs), 'utf8');
  const [, operator] = /image: (\S+\/prometheus-operator:\S+)/.exec(manifest) ?? [];
  const [, reloader] = /--prometheus-config-reloader=(\S+)/.exec(manifest) ?? [];
  if (operator === undefined || reloader === undefined) throw new Error('no images in the manifest of the operator');
  return { operator, reloader };
}

/** Path of Prometheus Operator's manifest: its kinds, permissions and deployment. */
export function operatorManifest(programs: Programs): string {
  return join(dirname(programs['prometheus-operator']), 'prometheus-operator.yaml');
}
