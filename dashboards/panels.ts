import {
  type DataSourceRef,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  GraphThresholdsStyleConfigBuilder,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardLinkBuilder,
  FieldColorBuilder,
  FieldColorModeId,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import * as nodegraph from '@grafana/grafana-foundation-sdk/nodegraph';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as statushistory from '@grafana/grafana-foundation-sdk/statushistory';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as text from '@grafana/grafana-foundation-sdk/text';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import type { BandQueries, GraphQueries } from './queries.ts';

/** A variable works with provisioning as well; `__inputs` are filled only when a user imports the dashboard. */
export const DATASOURCE: DataSourceRef = { type: 'prometheus', uid: '${datasource}' };

const GREEN = '#73bf69';
const YELLOW = '#fade2a';
const RED = '#f2495c';

/** Anomaly scores: alerts fire above 1, explanations start at 0.5. */
const SCORE_THRESHOLDS = new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
  { value: null, color: GREEN },
  { value: 0.5, color: YELLOW },
  { value: 1, color: RED },
]);

const PLAIN = new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([{ value: null, color: GREEN }]);

/** Anything above zero is bad. */
const NONE_WANTED = new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
  { value: null, color: GREEN },
  { value: 0.000001, color: RED },
]);

export interface PanelOptions {
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  /** Width, of 24 columns. */
  readonly span: number;
  /** Height in rows of 30 pixels. */
  readonly height?: number;
  /** Shown when there is no data, where that is a normal state. */
  readonly noValue?: string;
}

/** Legend -> PromQL. */
export type Queries = Readonly<Record<string, string>>;

export interface TimeSeriesOptions extends PanelOptions {
  readonly queries: Queries;
  readonly stacked?: boolean;
  /** Draws the alert threshold. */
  readonly threshold?: boolean;
  readonly min?: number;
}

const query = (refId: string, expr: string): DataqueryBuilder =>
  new DataqueryBuilder().refId(refId).datasource(DATASOURCE).expr(expr);

/** Id of a query for the unit of the others. */
const UNIT = 'unit';

const refId = (index: number): string => String.fromCharCode('A'.charCodeAt(0) + index);

/** Lines over time, with the last and the largest value in the legend. */
export function timeSeries(options: TimeSeriesOptions): timeseries.PanelBuilder {
  const panel = new timeseries.PanelBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(DATASOURCE)
    .unit(options.unit)
    .span(options.span)
    .height(options.height ?? 8)
    .lineWidth(1)
    .fillOpacity(options.stacked === true ? 40 : 8)
    .showPoints(VisibilityMode.Never)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
    .targets(
      Object.entries(options.queries).map(([legend, expr], i) => query(refId(i), expr).range().legendFormat(legend)),
    );
  if (options.min !== undefined) panel.min(options.min);
  if (options.noValue !== undefined) panel.noValue(options.noValue);
  if (options.stacked === true) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
  if (options.threshold === true) {
    panel
      .thresholds(SCORE_THRESHOLDS)
      .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed))
      .axisSoftMax(1.5);
  }
  return panel;
}

/** A line with its normal band. */
export function band(options: PanelOptions, queries: BandQueries): timeseries.PanelBuilder {
  const grey = { id: 'color', value: { mode: 'fixed', fixedColor: '#8e8e8e' } };
  const edge = [
    grey,
    { id: 'custom.lineWidth', value: 0 },
    { id: 'custom.hideFrom', value: { legend: true, tooltip: false, viz: false } },
  ];
  return timeSeries({
    ...options,
    queries: { value: queries.value, 'normally above': queries.low, 'normally below': queries.high },
  })
    .fillOpacity(0)
    .overrideByName('normally above', edge)
    .overrideByName('normally below', [
      ...edge,
      { id: 'custom.fillBelowTo', value: 'normally above' },
      { id: 'custom.fillOpacity', value: 15 },
    ])
    .withTarget(query(UNIT, queries.unit).instant().format(PromQueryFormat.Table).legendFormat(UNIT))
    .withTransformation({
      id: 'configFromData',
      options: { configRefId: UNIT, mappings: [{ fieldName: 'unit', handlerKey: 'unit' }] },
    });
}

export interface StatOptions extends PanelOptions {
  readonly expr: string;
  readonly legend?: string;
  readonly colours?: 'score' | 'none wanted' | 'plain';
  /** Shows a label instead of the value, as for an info series. */
  readonly byName?: boolean;
}

/** One current number. */
export function single(options: StatOptions): stat.PanelBuilder {
  const thresholds = { score: SCORE_THRESHOLDS, 'none wanted': NONE_WANTED, plain: PLAIN }[options.colours ?? 'plain'];
  const target = query('A', options.expr).instant();
  const panel = new stat.PanelBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(DATASOURCE)
    .unit(options.unit)
    .span(options.span)
    .height(options.height ?? 4)
    .thresholds(thresholds)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .withTarget(options.legend === undefined ? target : target.legendFormat(options.legend));
  if (options.byName === true) panel.textMode('name' as Parameters<typeof panel.textMode>[0]);
  if (options.noValue !== undefined) panel.noValue(options.noValue);
  return panel;
}

/** A column of a table: its header, its query, and how it is shown. */
export interface Column {
  readonly header: string;
  readonly expr: string;
  readonly unit?: string;
  /** Coloured like an anomaly score. */
  readonly score?: boolean;
}

export interface TableOptions extends Omit<PanelOptions, 'unit'> {
  readonly columns: readonly Column[];
  /** Label -> header, in the order of the columns. */
  readonly labels: Readonly<Record<string, string>>;
  readonly sortBy: string;
  readonly sortDescending?: boolean;
  /** Links each row to the dashboard of its service. */
  readonly serviceLinks?: boolean;
}

/** A row for each set of labels, a column for each query. */
export function rows(options: TableOptions): table.PanelBuilder {
  const { columns, labels } = options;
  const value = (index: number) => (columns.length === 1 ? 'Value' : `Value #${refId(index)}`);
  const order = [...Object.keys(labels), ...columns.map((_, index) => value(index))];
  const panel = new table.PanelBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(DATASOURCE)
    .unit('short')
    .span(options.span)
    .height(options.height ?? 8)
    .targets(columns.map(({ expr }, i) => query(refId(i), expr).instant().format(PromQueryFormat.Table)))
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        indexByName: Object.fromEntries(order.map((name, index) => [name, index])),
        renameByName: { ...labels, ...Object.fromEntries(columns.map(({ header }, index) => [value(index), header])) },
      },
    })
    .sortBy([{ build: () => ({ displayName: options.sortBy, desc: options.sortDescending ?? true }) }]);
  if (options.noValue !== undefined) panel.noValue(options.noValue);
  for (const { header, unit, score } of columns) {
    const properties = [
      { id: 'unit', value: unit ?? 'short' },
      ...(score === true
        ? [
            { id: 'thresholds', value: SCORE_THRESHOLDS.build() },
            { id: 'custom.cellOptions', value: { type: 'color-background' } },
          ]
        : []),
    ];
    panel.overrideByName(header, properties);
  }
  if (options.serviceLinks === true) {
    const link = {
      title: 'Show the service',
      url: serviceUrl('${__data.fields.Namespace}', '${__data.fields.Service}'),
    };
    panel.overrideByName('Service', [{ id: 'links', value: [link] }]);
  }
  return panel;
}

/** The address of a service's dashboard on the same Grafana. */
export function serviceUrl(namespace: string, service: string): string {
  return `/d/lorikeet-service?var-datasource=\${datasource}&var-namespace=${namespace}&var-service=${service}&\${__url_time_range}`;
}

/**
 * Services and their calls. The panel reads fields by name, and a renamed field keeps its old one to it, so what it needs is
 * made of labels by the queries and of the value by `calculateField`, whatever Grafana calls the value.
 */
export function graph(options: Omit<PanelOptions, 'unit'>, queries: GraphQueries): nodegraph.PanelBuilder {
  const only = (frame: string) => ({ id: 'byRefId', options: frame });
  return new nodegraph.PanelBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(DATASOURCE)
    .unit('short')
    .span(options.span)
    .height(options.height ?? 16)
    .withTarget(query('nodes', queries.nodes).instant().format(PromQueryFormat.Table))
    .withTarget(query('edges', queries.edges).instant().format(PromQueryFormat.Table))
    .withTransformation({
      id: 'calculateField',
      filter: only('nodes'),
      options: { mode: 'reduceRow', reduce: { reducer: 'sum' }, alias: 'arc__anomaly' },
    })
    .withTransformation({
      id: 'calculateField',
      filter: only('nodes'),
      options: { mode: 'binary', binary: { left: '1', operator: '-', right: 'arc__anomaly' }, alias: 'arc__normal' },
    })
    .withTransformation({
      id: 'calculateField',
      filter: only('edges'),
      options: { mode: 'reduceRow', reduce: { reducer: 'sum' }, alias: 'mainstat' },
    })
    .overrideByName('id', [
      {
        id: 'links',
        value: [
          { title: 'Show the service', url: serviceUrl('${__data.fields.namespace}', '${__data.fields.service}') },
        ],
      },
    ])
    .nodes(
      new nodegraph.NodeOptionsBuilder().arcs([
        new nodegraph.ArcOptionBuilder().field('arc__anomaly').color(RED),
        new nodegraph.ArcOptionBuilder().field('arc__normal').color(GREEN),
      ]),
    )
    .edges(new nodegraph.EdgeOptionsBuilder().mainStatUnit('reqps'));
}

export interface HeatMapOptions extends PanelOptions {
  readonly expr: string;
  readonly legend: string;
  readonly min: number;
  readonly max: number;
}

/** A row for each series, a cell for each moment, blue below and red above. */
export function heatMap(options: HeatMapOptions): statushistory.PanelBuilder {
  return (
    new statushistory.PanelBuilder()
      .title(options.title)
      .description(options.description)
      .datasource(DATASOURCE)
      .unit(options.unit)
      .span(options.span)
      .height(options.height ?? 12)
      .min(options.min)
      .max(options.max)
      .decimals(1)
      .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.ContinuousBlYlRd))
      .showValue(VisibilityMode.Never)
      // More cells than this cannot be distinguished.
      .maxDataPoints(60)
      .legend(
        new VizLegendOptionsBuilder()
          .showLegend(false)
          .displayMode(LegendDisplayMode.Hidden)
          .placement(LegendPlacement.Bottom),
      )
      .withTarget(query('A', options.expr).range().legendFormat(options.legend))
  );
}

/** HTML, such as an image from another server. */
export function html(options: Omit<PanelOptions, 'unit' | 'noValue'>, content: string): text.PanelBuilder {
  return new text.PanelBuilder()
    .title(options.title)
    .description(options.description)
    .span(options.span)
    .height(options.height ?? 12)
    .mode(text.TextMode.HTML)
    .content(content);
}

/** A link to another dashboard that keeps the selected variables and time range. */
export function linkTo(title: string, uid: string): DashboardLinkBuilder {
  return new DashboardLinkBuilder(title).url(`/d/${uid}`).includeVars(true).keepTime(true);
}
