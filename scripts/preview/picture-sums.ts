import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PICTURES } from './scene.ts';

export const IMAGES = 'docs/images';
/** In the format of sha256sum: the pictures, and the files that they were drawn from. */
export const SUMS = `${IMAGES}/pictures.sha256`;

const PAGE = 'scripts/preview/page';
const pictureOf = ({ name }: { readonly name: string }) => `${IMAGES}/${name}.png`;

/**
 * The files that decide what the pictures show: the dashboards with the names in them, the shop and its fault, and the
 * code from a query to the page. What a scene measures, and so every number in a picture, differs with each drawing.
 */
export function pictureSources(root: string): string[] {
  const page = readdirSync(join(root, PAGE)).filter((name) => name !== 'tsconfig.json');
  return [
    ...PICTURES.map(({ dashboard }) => `dashboards/generated/${dashboard}.json`),
    ...page.map((name) => `${PAGE}/${name}`),
    ...['frames', 'grafana', 'scene', 'screen'].map((name) => `scripts/preview/${name}.ts`),
    'microsim/topologies/web-shop.yaml',
    'rules/features.yaml',
  ].toSorted();
}

const sumsOf = (root: string, paths: readonly string[]): string =>
  paths
    .map(
      (path) =>
        `${createHash('sha256')
          .update(readFileSync(join(root, path)))
          .digest('hex')}  ${path}\n`,
    )
    .join('');

export const sourceSums = (root: string): string => sumsOf(root, pictureSources(root));
export const pictureSums = (root: string): string => sumsOf(root, PICTURES.map(pictureOf));

/** The pictures and sources that are not as in `sums`, or are missing from either. */
export function changedSince(sums: string, root: string): string[] {
  const recorded = new Map(sums.split('\n').map((line) => [line.slice(66), line.slice(0, 64)]));
  recorded.delete('');
  const paths = new Set([...PICTURES.map(pictureOf), ...pictureSources(root), ...recorded.keys()]);
  const isAsRecorded = (path: string) =>
    existsSync(join(root, path)) && sumsOf(root, [path]) === `${recorded.get(path)}  ${path}\n`;
  return [...paths].filter((path) => !isAsRecorded(path));
}
