import { createRequire } from 'node:module';
import type * as GrafanaData from '@grafana/data';
import { JSDOM } from 'jsdom';
import type { Target, Transformation } from './dashboard.ts';

type Labels = Readonly<Record<string, string>>;

/** A series of Prometheus' response; that of an instant query has one value. */
export interface Series {
  readonly labels: Labels;
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

export interface Field {
  readonly name: string;
  readonly type: string;
  readonly labels?: Labels | undefined;
  readonly config: { readonly displayNameFromDS?: string; readonly displayName?: string; readonly unit?: string };
  readonly values: readonly unknown[];
}

export interface Frame {
  readonly refId?: string;
  readonly name?: string;
  readonly fields: readonly Field[];
  readonly length: number;
}

/** @grafana/data requires a browser when it is loaded. */
function loadGrafana(): typeof GrafanaData {
  const { window } = new JSDOM('', { url: 'http://localhost' });
  Object.assign(globalThis, { window, document: window.document });
  const grafana = createRequire(import.meta.url)('@grafana/data') as typeof GrafanaData;
  const byId = new Map(Object.values(grafana.standardTransformers).map((transformer) => [transformer.id, transformer]));
  grafana.standardTransformersRegistry.setInit(() =>
    [...byId.values()].map((transformer) => ({
      id: transformer.id,
      name: transformer.name,
      editor: () => null,
      transformation: () => Promise.resolve(transformer),
      imageDark: '',
      imageLight: '',
    })),
  );
  return grafana;
}

const grafana = loadGrafana();

/** Converts a response to frames like Grafana's Prometheus data source: one for each series, or one table. */
export function toFrames(target: Target, series: readonly Series[], tables: number): Frame[] {
  return target.format === 'table' ? tableOf(target, series, tables) : series.map((one) => lineOf(target, one));
}

/** The legend with `{{label}}` replaced; the labels if there is no legend. */
export function legendOf({ legendFormat }: Target, labels: Labels): string {
  if (legendFormat === undefined || legendFormat === '') return JSON.stringify(labels);
  return legendFormat.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => labels[label] ?? '');
}

function lineOf(target: Target, { labels, points }: Series): Frame {
  const time = { name: 'Time', type: 'time', config: {}, values: points.map(([seconds]) => seconds * 1000) };
  const value = {
    name: 'Value',
    type: 'number',
    labels,
    config: { displayNameFromDS: legendOf(target, labels) },
    values: points.map(([, number]) => number),
  };
  return { refId: target.refId, fields: [time, value], length: points.length };
}

/**
 * A row for each sample, a column for each label. With several tables in a panel, the value is named after the query.
 */
function tableOf({ refId }: Target, series: readonly Series[], tables: number): Frame[] {
  if (series.length === 0) return [];
  const samples = series.flatMap(({ labels, points }) =>
    points.map(([seconds, value]) => ({ labels, seconds, value })),
  );
  const names = [...new Set(series.flatMap(({ labels }) => Object.keys(labels)))].sort();
  const fields: Field[] = [
    { name: 'Time', type: 'time', config: {}, values: samples.map(({ seconds }) => seconds * 1000) },
    ...names.map((name) => ({
      name,
      type: 'string',
      config: {},
      values: samples.map(({ labels }) => labels[name] ?? ''),
    })),
    {
      name: tables > 1 ? `Value #${refId}` : 'Value',
      type: 'number',
      config: {},
      values: samples.map(({ value }) => value),
    },
  ];
  return [{ refId, fields, length: samples.length }];
}

/** "Config from query results": part of Grafana, but not of @grafana/data. */
const CONFIG_FROM_DATA = 'configFromData';

/** Applies a panel's transformations with Grafana's own code, except for the one that is not published. */
export async function transform(
  frames: readonly Frame[],
  transformations: readonly Transformation[],
): Promise<Frame[]> {
  const fromData = transformations.find(({ id }) => id === CONFIG_FROM_DATA);
  const shown = fromData === undefined ? frames : withUnit(frames, fromData);
  const data = shown.map((frame) => grafana.toDataFrame(frame));
  const others = transformations.filter((one) => one !== fromData);
  const configs = others as unknown as GrafanaData.DataTransformerConfig[];
  return new Promise<Frame[]>((resolve, reject) => {
    let latest: Frame[] = [];
    grafana.transformDataFrame(configs, data).subscribe({
      next: (out) => (latest = out as unknown as Frame[]),
      error: reject,
      complete: () => resolve(latest),
    });
  });
}

/** Implements `configFromData` for a query's label `unit`: sets the unit of the other queries' values. */
function withUnit(frames: readonly Frame[], { options }: Transformation): readonly Frame[] {
  const { configRefId } = options as { readonly configRefId: string };
  const config = frames.find(({ refId }) => refId === configRefId);
  if (config === undefined) return frames;
  const unit = config.fields.find(({ name }) => name === 'unit')?.values[0];
  if (typeof unit !== 'string') return frames;
  const withIt = (field: Field) => (field.type === 'number' ? { ...field, config: { ...field.config, unit } } : field);
  return frames.filter((frame) => frame !== config).map((frame) => ({ ...frame, fields: frame.fields.map(withIt) }));
}
