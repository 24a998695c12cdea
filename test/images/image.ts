import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ENTER = 'test/images/enter-image.sh';
const NODE = '/usr/local/bin/node';
const PROGRAMS = '/usr/lib/lorikeet/dist';

export type ImageName = 'exporter' | 'scorer' | 'sim';

/** The files that an image adds to its base, staged like in manifests/images/Dockerfile. */
export interface ImageTree {
  readonly folder: string;
  /** The command that runs a program of the image like its container, with these capabilities. */
  command(program: string, capabilities: readonly string[], args: readonly string[]): [string, ...string[]];
  remove(): void;
}

export function stageImage(name: ImageName): ImageTree {
  const parent = mkdtempSync(join(tmpdir(), `lorikeet-image-${name}-`));
  const folder = join(parent, 'tree');
  execFileSync('bash', ['scripts/images/image-tree.sh', name, folder], { stdio: 'pipe' });
  // Accessible to other users.
  execFileSync('chmod', ['755', parent, folder]);
  return {
    folder,
    command(program, capabilities, args) {
      const bounding = ['-all', ...capabilities.map((capability) => `+${capability}`)].join(',');
      const enter = ['sh', ENTER, folder, bounding, NODE, `${PROGRAMS}/${program}.js`, ...args];
      // The host name of a pod is its name.
      return ['unshare', '--mount', '--uts', 'sh', '-c', 'hostname lorikeet-scorer-0 && exec "$@"', 'sh', ...enter];
    },
    remove: () => rmSync(parent, { recursive: true }),
  };
}
