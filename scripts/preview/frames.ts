import { createRequire } from 'node:module';
import type * as GrafanaData from '@grafana/data';
import { JSDOM } from 'jsdom';
import type { Target, Transformation } from './dashboard.ts';

type Labels = Readonly<Record<string, string>>;

/** A series of Prometheus' answer, an instant one with a single value. */
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

/** @grafana/data asks for a browser when it is loaded. */
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

/** The frames that Grafana's Prometheus data source makes of an answer, as its source has it: one a series, or one table. */
export function toFrames(target: Target, series: readonly Series[], tables: number): Frame[] {
  return target.format === 'table' ? tableOf(target, series, tables) : series.map((one) => lineOf(target, one));
}

/** `{{label}}` of a legend filled in; without a legend the labels themselves. */
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

/** A row for each sample, a column for each label; with several tables in a panel each names its value after its query. */
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

/** Not in @grafana/data, but in Grafana itself: "Config from query results". */
const CONFIG_FROM_DATA = 'configFromData';

/** A panel's transformations, run by Grafana's own code but for the one that it keeps to itself. */
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

/** What `configFromData` does with a query's label `unit`: it becomes the unit of the other queries' values. */
function withUnit(frames: readonly Frame[], { options }: Transformation): readonly Frame[] {
  const { configRefId } = options as { readonly configRefId: string };
  const config = frames.find(({ refId }) => refId === configRefId);
  if (config === undefined) return frames;
  const unit = config.fields.find(({ name }) => name === 'unit')?.values[0];
  if (typeof unit !== 'string') return frames;
  const withIt = (field: Field) => (field.type === 'number' ? { ...field, config: { ...field.config, unit } } : field);
  return frames.filter((frame) => frame !== config).map((frame) => ({ ...frame, fields: frame.fields.map(withIt) }));
}
