// The law of imports: each room (folder) of the product has a list, `imports.txt`, of what its files may import besides
// its own: rooms, with all below, or single files. A room without a list is part of the one above. No file is part of a
// circle, of which imports of types alone count as well. Tests and their data may import anything.
//
//   node scripts/check-imports.mjs [folder]    prints what is against it, one line each; exit status 1 if anything is
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOMS = ['native', 'daemon', 'exporter', 'scorer', 'microsim'];
const LIST = 'imports.txt';
const NO_LAW = /\.test\.ts$|(^|\/)testdata\/|\.testdata\.ts$/;
/** Statements and calls, as the formatter writes them. */
const SPECIFIER = /(?:^|\s)(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g;

/** `file -> files that it imports`, relative to `root`. */
export function importsOf(root) {
  const files = ROOMS.filter((room) => existsSync(join(root, room))).flatMap((room) => sources(root, room));
  return new Map(files.map((file) => [file, imported(root, file)]));
}

function sources(root, folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory())
      return ['build', 'node_modules', 'generated'].includes(entry.name) ? [] : sources(root, path);
    return path.endsWith('.ts') && !NO_LAW.test(path) ? [path] : [];
  });
}

function imported(root, file) {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(SPECIFIER)].map(([, specifier]) => normalize(join(dirname(file), specifier)));
}

/** Everything against the law, a line each. */
export function violations(root) {
  const graph = importsOf(root);
  return [...[...graph].flatMap(([file, targets]) => illegal(root, file, targets)), ...circles(graph)];
}

function illegal(root, file, targets) {
  const room = roomOf(root, file);
  if (room === undefined) return [`${file}: no ${LIST} in its folder or above`];
  const allowed = [room, ...readList(root, room)];
  return targets
    .filter((target) => !allowed.some((entry) => covers(root, entry, target)))
    .map(
      (target) =>
        `${file}: may not import ${target}; ${room}/${LIST} allows ${allowed.slice(1).join(', ') || 'nothing'}`,
    );
}

/** The nearest folder with a list. */
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

/** A room's own files, or those of a room on a list: what lies in rooms with lists of their own has to be named itself. */
function covers(root, entry, target) {
  return entry === target || roomOf(root, target) === entry;
}

/** One line for each set of files that import each other. */
function circles(graph) {
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
    const circle = stack.splice(stack.indexOf(file));
    if (circle.length > 1) found.push(`circle: ${circle.join(' -> ')} -> ${file}`);
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = process.argv[2] ?? '.';
  const against = violations(root);
  for (const line of against) process.stdout.write(`${relative('.', line)}\n`);
  process.exit(against.length === 0 ? 0 : 1);
}
