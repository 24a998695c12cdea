import type { DrawnPanel, Screen } from '../screen.ts';
import { thresholdColour } from './colours.ts';
import { drawHeatMap } from './heat-map.ts';
import { drawNodeGraph } from './node-graph.ts';
import { drawTable } from './table.ts';
import { drawTimeSeries } from './time-series.ts';
import { format } from './units.ts';

const DASHBOARDS = ['overview', 'service', 'exporter', 'scorer'];
const REFRESH_MS = 5000;
const COLUMNS = 24;

/** Fetches and draws a dashboard, and repeats that every few seconds unless the address has a time. */
async function show(): Promise<void> {
  const response = await fetch(`/screen${location.search}`);
  if (!response.ok) throw new Error(await response.text());
  const screen = (await response.json()) as Screen;
  drawLinks(screen.title);
  const only = new URLSearchParams(location.search).get('panel');
  const shown = only === null ? screen.panels : screen.panels.filter(({ title }) => title === only).map(alone);
  const panels = document.querySelector<HTMLElement>('#panels');
  const elements = place(shown);
  panels?.replaceChildren(...elements.map(({ frame }) => frame));
  elements.forEach(({ body }, index) => {
    const panel = shown[index];
    if (panel !== undefined && body !== undefined) draw(body, panel, screen);
  });
}

/** A single panel on the page. */
function alone(drawn: DrawnPanel): DrawnPanel {
  return { ...drawn, panel: { ...drawn.panel, gridPos: { x: 0, y: 0, w: COLUMNS, h: 16 } } };
}

interface PlacedPanel {
  readonly frame: HTMLElement;
  readonly body?: HTMLElement;
}

/** Grid positions like Grafana's; copies of a repeated panel wrap into further rows. */
function place(panels: readonly DrawnPanel[]): PlacedPanel[] {
  return panels.map(({ panel, title }) => {
    const frame = document.createElement(panel.type === 'row' ? 'h2' : 'section');
    frame.className = panel.type === 'row' ? 'row' : 'panel';
    frame.style.gridColumn = `span ${panel.gridPos.w}`;
    frame.style.gridRow = `span ${panel.gridPos.h}`;
    if (panel.type === 'row') {
      frame.textContent = title;
      return { frame };
    }
    const heading = document.createElement('h2');
    heading.textContent = title;
    const body = document.createElement('div');
    frame.append(heading, body);
    return { frame, body };
  });
}

function draw(body: HTMLElement, { panel, frames, content }: DrawnPanel, { from, to }: Screen): void {
  const noValue = panel.fieldConfig?.defaults.noValue ?? 'No data';
  if (panel.type === 'text') {
    // The HTML comes from the shipped dashboard.
    body.innerHTML = content;
  } else if (frames.length === 0) {
    body.append(word('empty', noValue));
  } else if (panel.type === 'timeseries') drawTimeSeries(body, panel, frames, from, to);
  else if (panel.type === 'nodeGraph') drawNodeGraph(body, panel, frames);
  else if (panel.type === 'table') drawTable(body, panel, frames);
  else if (panel.type === 'status-history') drawHeatMap(body, panel, frames, from, to);
  else drawStat(body, { panel, frames });
}

function drawStat(body: HTMLElement, { panel, frames }: Pick<DrawnPanel, 'panel' | 'frames'>): void {
  const field = frames[0]?.fields.find(({ type }) => type === 'number');
  const value = field?.values.at(-1);
  const { unit, thresholds } = panel.fieldConfig?.defaults ?? {};
  const named = panel.options?.textMode === 'name';
  const stat = word('stat', named ? (field?.config.displayNameFromDS ?? '') : format(value, unit));
  stat.style.color = thresholdColour(Number(value), thresholds?.steps);
  body.append(stat);
}

function word(className: string, text: string): HTMLElement {
  const element = document.createElement('div');
  element.className = className;
  element.textContent = text;
  return element;
}

function drawLinks(title: string): void {
  const heading = document.createElement('h1');
  heading.textContent = title;
  const links = DASHBOARDS.map((name) => {
    const search = new URLSearchParams(location.search);
    search.set('dashboard', `lorikeet-${name}`);
    const link = document.createElement('a');
    link.href = `?${search}`;
    link.textContent = name;
    return link;
  });
  document.querySelector('#links')?.replaceChildren(heading, ...links);
}

async function refresh(): Promise<void> {
  await show();
  document.body.dataset['drawn'] = 'true';
  if (!new URLSearchParams(location.search).has('at')) setTimeout(() => void refresh(), REFRESH_MS);
}

void refresh();
