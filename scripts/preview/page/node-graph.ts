import type { Panel } from '../dashboard.ts';
import type { Frame } from '../frames.ts';
import { layOut, type Place } from './layout.ts';
import { format } from './units.ts';

const RADIUS = 24;
const SVG = 'http://www.w3.org/2000/svg';
type Row = ReadonlyMap<string, string | number>;

/** Draws services as rings and calls as arrows, from the fields that Grafana's node graph panel reads. */
export function drawNodeGraph(into: HTMLElement, panel: Panel, frames: readonly Frame[]): void {
  const nodes = rowsOf(frames.find(({ refId }) => refId === 'nodes'));
  const edges = rowsOf(frames.find(({ refId }) => refId === 'edges'));
  const { width, height } = into.getBoundingClientRect();
  const ends = edges.map((edge) => [textOf(edge, 'source'), textOf(edge, 'target')] as const);
  const places = layOut(
    nodes.map((node) => textOf(node, 'id')),
    ends,
    width,
    height,
  );
  const svg = element('svg', { viewBox: `0 0 ${width} ${height}` });
  svg.append(arrowHead());
  for (const edge of edges) svg.append(...call(edge, places, panel.options?.edges?.mainStatUnit));
  for (const node of nodes) svg.append(service(node, places, panel));
  into.replaceChildren(svg);
}

function rowsOf(frame: Frame | undefined): Row[] {
  return Array.from({ length: frame?.length ?? 0 }, (_, row) => {
    const cells = (frame?.fields ?? []).map(({ name, values }) => [name, values[row] as string | number] as const);
    return new Map(cells);
  });
}

/** A field as text; empty if the frame does not have it. */
const textOf = (row: Row, name: string): string => String(row.get(name) ?? '');

function service(node: Row, places: ReadonlyMap<string, Place>, panel: Panel): Element {
  const { x, y } = places.get(textOf(node, 'id')) ?? { x: 0, y: 0 };
  const group = element('g', { transform: `translate(${x} ${y})` });
  group.append(element('circle', { r: RADIUS, fill: '#181b1f' }));
  let turned = 0;
  for (const { field, color } of panel.options?.nodes?.arcs ?? []) {
    const share = Number(node.get(field));
    group.append(arc(turned, share, color));
    turned += share;
  }
  const marked = textOf(node, 'icon') !== '';
  group.append(
    text(marked ? '⚠' : textOf(node, 'mainstat'), 4, marked ? 'font-size: 20px; fill: #f2495c' : ''),
    text(textOf(node, 'title'), RADIUS + 14, 'font-weight: 600'),
    text(
      marked ? `${textOf(node, 'subtitle')} · score ${textOf(node, 'mainstat')}` : textOf(node, 'subtitle'),
      RADIUS + 26,
      'fill: #8e8e8e; font-size: 9px',
    ),
  );
  return group;
}

/** An arc of the ring, from a share of the circle. */
function arc(from: number, share: number, colour: string): Element {
  const length = 2 * Math.PI * RADIUS;
  return element('circle', {
    r: RADIUS,
    fill: 'none',
    stroke: colour,
    'stroke-width': 5,
    'stroke-dasharray': `${share * length} ${length}`,
    transform: `rotate(${from * 360 - 90})`,
  });
}

function call(edge: Row, places: ReadonlyMap<string, Place>, unit: string | undefined): Element[] {
  const [from, to] = [places.get(textOf(edge, 'source')), places.get(textOf(edge, 'target'))];
  if (from === undefined || to === undefined) return [];
  const distance = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const [dx, dy] = [(to.x - from.x) / distance, (to.y - from.y) / distance];
  const given = textOf(edge, 'color');
  const colour = given === '' ? '#5c5f66' : given;
  const line = element('line', {
    x1: from.x + dx * (RADIUS + 4),
    y1: from.y + dy * (RADIUS + 4),
    x2: to.x - dx * (RADIUS + 8),
    y2: to.y - dy * (RADIUS + 8),
    stroke: colour,
    'stroke-width': given === '' ? 1 : 2,
    'marker-end': 'url(#arrow)',
  });
  // Near the callee, where the calls of a caller are furthest apart.
  const label = element('text', {
    x: from.x + (to.x - from.x) * 0.6,
    y: from.y + (to.y - from.y) * 0.6 - 3,
    class: 'call',
  });
  label.textContent = [format(edge.get('mainstat'), unit), textOf(edge, 'secondarystat')].filter(Boolean).join(' · ');
  return [line, label];
}

function arrowHead(): Element {
  const marker = element('marker', {
    id: 'arrow',
    viewBox: '0 0 8 8',
    refX: 7,
    refY: 4,
    markerWidth: 7,
    markerHeight: 7,
    orient: 'auto',
    markerUnits: 'userSpaceOnUse',
  });
  marker.append(element('path', { d: 'M0 0 L8 4 L0 8 Z', fill: 'context-stroke' }));
  return marker;
}

function text(content: string, y: number, style: string): Element {
  const node = element('text', { y, style });
  node.textContent = content;
  return node;
}

function element(name: string, attributes: Readonly<Record<string, string | number>>): Element {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}
