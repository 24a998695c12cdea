interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** A program of this repository. */
  readonly isOurs?: boolean;
}

type Style = 'title' | 'text' | 'label' | 'folder';

interface Text {
  readonly x: number;
  /** Of the baseline. */
  readonly y: number;
  readonly style: Style;
  readonly text: string;
}

const WIDTH = 975;
const HEIGHT = 345;
/** Between a box's border and its text. */
const PADDING = 10;
const FONT_SIZES: Readonly<Record<Style, number>> = { title: 14, text: 12, label: 11.5, folder: 11 };

const BOXES: readonly Box[] = [
  { x: 20, y: 40, width: 220, height: 100 },
  { x: 20, y: 190, width: 220, height: 100, isOurs: true },
  { x: 350, y: 40, width: 230, height: 250 },
  { x: 715, y: 40, width: 240, height: 155, isOurs: true },
  { x: 715, y: 225, width: 133, height: 65 },
  { x: 856, y: 225, width: 99, height: 65 },
];

const at = (style: Style, x: number, y: number, text: string): Text => ({ style, x, y, text });

const TEXTS: readonly Text[] = [
  at('title', 35, 65, 'Node'),
  at('text', 35, 87, 'services and their sockets'),
  at('text', 35, 105, 'BPF programs in the kernel'),
  at('folder', 35, 128, 'bpf/'),
  at('label', 138, 169, 'maps read at scrape'),
  at('title', 35, 215, 'lorikeet-exporter'),
  at('text', 35, 237, 'cgroup → pod → service'),
  at('text', 35, 255, 'one per node, :9400/metrics'),
  at('folder', 35, 278, 'native/ exporter/'),
  at('label', 262, 200, 'scrape'),
  at('title', 365, 65, 'Prometheus'),
  at('text', 365, 92, 'recording rules: features,'),
  at('text', 365, 112, 'service × feature × window'),
  at('text', 365, 180, 'anomaly_score'),
  at('text', 365, 200, 'anomaly_feature_share'),
  at('text', 365, 220, 'anomaly_root_cause_rank'),
  at('text', 365, 250, 'alerting rules'),
  at('folder', 365, 278, 'rules/'),
  at('label', 586, 77, '2 queries per cycle'),
  at('title', 730, 65, 'lorikeet-scorer'),
  at('text', 790, 99, 'one autoencoder,'),
  at('text', 790, 116, 'all services at once'),
  at('text', 730, 152, 'score, signals, root cause'),
  at('folder', 730, 182, 'scorer/ models/'),
  at('label', 588, 170, 'remote write'),
  at('label', 590, 250, 'score > 1'),
  at('title', 727, 252, 'Alertmanager'),
  at('title', 868, 252, 'Grafana'),
  at('folder', 868, 278, 'dashboards/'),
  at('folder', 20, 325, 'daemon/'),
  at('label', 72, 325, 'shared by both programs'),
  at('folder', 245, 325, 'manifests/'),
  at('label', 316, 325, 'installation'),
  at('folder', 412, 325, 'microsim/'),
  at('label', 477, 325, 'a system to watch'),
  at('folder', 615, 325, 'bench/ test/ scripts/ docs/'),
];

const ARROWS = ['M130,140 L130,190', 'M240,235 L350,195', 'M580,85 L715,85', 'M715,160 L580,215', 'M580,257 L715,257'];

/** The three windows of the tensor. */
const CHANNELS: readonly (readonly [x: number, y: number, colour: string])[] = [
  [730, 79, '#ef4444'],
  [738, 86, '#22c55e'],
  [746, 93, '#3b82f6'],
];

/** The top-level folders that the picture names. */
export function foldersOf(svg: string): string[] {
  const tags = svg.matchAll(/<text class="folder"[^>]*>([^<]+)</g);
  return [...tags].flatMap(([, names = '']) => names.split(' ').map((name) => name.replace(/\/$/, '')));
}

/** Advance widths in em, no less than those of DejaVu Sans, the widest of the usual sans-serif system fonts. */
const ADVANCES: readonly (readonly [characters: string, em: number])[] = [
  ['ijl', 0.28],
  [' .,:/', 0.34],
  ['frt-', 0.42],
  ['_s', 0.53],
  ['w×→>', 0.84],
  ['mMW', 1],
];
const LOWER_EM = 0.64;
const UPPER_EM = 0.78;
const BOLD = 1.1;
/** Of any monospace font. */
const MONOSPACE_EM = 0.61;

function emOf(character: string): number {
  const known = ADVANCES.find(([characters]) => characters.includes(character));
  return known?.[1] ?? (/[A-Z]/.test(character) ? UPPER_EM : LOWER_EM);
}

/** The pixels that a text takes at most. */
export function widthOf({ style, text }: Pick<Text, 'style' | 'text'>): number {
  const size = FONT_SIZES[style];
  if (style === 'folder') return text.length * MONOSPACE_EM * size;
  const em = Array.from(text, emOf).reduce((sum, one) => sum + one, 0);
  return em * size * (style === 'title' ? BOLD : 1);
}

const extentOf = (text: Text): Box => {
  const height = FONT_SIZES[text.style];
  return { x: text.x, y: text.y - height, width: widthOf(text), height };
};
const overlap = (a: Box, b: Box) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
const isWithin = (inner: Box, outer: Box, padding: number) =>
  inner.x >= outer.x + padding &&
  inner.x + inner.width <= outer.x + outer.width - padding &&
  inner.y >= outer.y &&
  inner.y + inner.height <= outer.y + outer.height;

/** The texts that leave their box or the picture, or run into a box or another text. */
export function misplaced(texts: readonly Text[], boxes: readonly Box[]): string[] {
  const picture = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
  const fits = (text: Text) => {
    const extent = extentOf(text);
    return (
      isWithin(extent, picture, PADDING) &&
      boxes.every((box) => !overlap(extent, box) || isWithin(extent, box, PADDING)) &&
      texts.every((other) => other === text || !overlap(extent, extentOf(other)))
    );
  };
  return texts.filter((text) => !fits(text)).map(({ text }) => text);
}

const STYLES = `
    .box { fill: #fff; stroke: #334155; stroke-width: 1.5; rx: 8; }
    .ours { stroke: #0f766e; stroke-width: 2.5; }
    .title { font-weight: 600; fill: #0f172a; }
    .text { fill: #334155; font-size: ${FONT_SIZES.text}px; }
    .label { fill: #475569; font-size: ${FONT_SIZES.label}px; }
    .folder { fill: #0f766e; font-size: ${FONT_SIZES.folder}px; font-family: monospace; }
    .arrow { stroke: #334155; stroke-width: 1.5; fill: none; marker-end: url(#head); }`;

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/**
 * How data flows, and which folder does what, as docs/images/lorikeet.svg.
 *
 * @throws Error with the texts that don't fit
 */
export function architecturePicture(): string {
  const wrong = misplaced(TEXTS, BOXES);
  if (wrong.length > 0) throw new Error(`the picture of the architecture has no room for: ${wrong.join('; ')}`);
  const lines = [
    `<style>${STYLES}\n  </style>`,
    '<defs>',
    '  <marker id="head" markerWidth="9" markerHeight="9" refX="8" refY="4.5" orient="auto"><path d="M0,0 L9,4.5 L0,9 z" fill="#334155"/></marker>',
    '</defs>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#f8fafc"/>`,
    ...BOXES.map(
      ({ x, y, width, height, isOurs }) =>
        `<rect class="box${isOurs === true ? ' ours' : ''}" x="${x}" y="${y}" width="${width}" height="${height}"/>`,
    ),
    ...CHANNELS.map(
      ([x, y, colour]) => `<rect x="${x}" y="${y}" width="34" height="34" fill="${colour}" opacity=".75"/>`,
    ),
    ...ARROWS.map((path) => `<path class="arrow" d="${path}"/>`),
    ...TEXTS.map(({ style, x, y, text }) => `<text class="${style}" x="${x}" y="${y}">${escaped(text)}</text>`),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="${FONT_SIZES.title}">
${lines.map((line) => `  ${line}\n`).join('')}</svg>
`;
}
