// Import rules: each room (directory) of the product has a list, `imports.txt`, of the rooms and single files that its
// files may import in addition to their own room. A directory without a list belongs to the room above. Import cycles
// are forbidden, including those of types. Tests and their data may import anything.
//
//   node scripts/checks/imports.mjs [folder]    prints one line for each violation; exit status 1 if there are any
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOMS = ['native', 'daemon', 'exporter', 'scorer', 'microsim'];
const LIST = 'imports.txt';
const EXEMPT = /\.test\.ts$|(^|\/)testdata\/|\.testdata\.ts$/;
/** Import statements and calls, as written by the formatter. */
const SPECIFIER = /(?:^|\s)(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g;

/** File -> files that it imports, relative to `root`. */
export function importsOf(root) {
  const files = ROOMS.filter((room) => existsSync(join(root, room))).flatMap((room) => sources(root, room));
  return new Map(files.map((file) => [file, imported(root, file)]));
}

function sources(root, folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory())
      return ['build', 'node_modules', 'generated'].includes(entry.name) ? [] : sources(root, path);
    return path.endsWith('.ts') && !EXEMPT.test(path) ? [path] : [];
  });
}

function imported(root, file) {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(SPECIFIER)].map(([, specifier]) => normalize(join(dirname(file), specifier)));
}

/** All violations, one line each. */
export function violations(root) {
  const graph = importsOf(root);
  return [...[...graph].flatMap(([file, targets]) => illegal(root, file, targets)), ...cycles(graph)];
}

function illegal(root, file, targets) {
  const room = roomOf(root, file);
  if (room === undefined) return [`${file}: no ${LIST} in its directory or above`];
  const allowed = [room, ...readList(root, room)];
  return targets
    .filter((target) => !allowed.some((entry) => covers(root, entry, target)))
    .map(
      (target) =>
        `${file}: may not import ${target}; ${room}/${LIST} allows ${allowed.slice(1).join(', ') || 'nothing'}`,
    );
}

/** The nearest directory with a list. */
function roomOf(root, file) {
  for (let folder = dirname(file); folder !== '.'; folder = dirname(folder)) {
    if (existsSync(join(root, folder, LIST))) return folder;
  }
  return undefined;
}

function readList(root, room) {
  return readFileSync(join(root, room, LIST), 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
}

/** True for a file itself, and for files of a room, without those of rooms below that have their own list. */
function covers(root, entry, target) {
  return entry === target || roomOf(root, target) === entry;
}

/** One line for each import cycle. */
function cycles(graph) {
  const order = new Map();
  const low = new Map();
  const stack = [];
  const found = [];
  const visit = (file) => {
    order.set(file, order.size);
    low.set(file, order.get(file));
    stack.push(file);
    for (const next of graph.get(file) ?? []) {
      if (!graph.has(next)) continue;
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) low.set(file, Math.min(low.get(file), low.get(next)));
    }
    if (low.get(file) !== order.get(file)) return;
    const cycle = stack.splice(stack.indexOf(file));
    if (cycle.length > 1) found.push(`import cycle: ${cycle.join(' -> ')} -> ${file}`);
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = process.argv[2] ?? '.';
  const found = violations(root);
  for (const line of found) process.stdout.write(`${relative('.', line)}\n`);
  process.exit(found.length === 0 ? 0 : 1);
}
