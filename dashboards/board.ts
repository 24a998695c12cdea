import {
  AnnotationQueryBuilder,
  CustomVariableBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DETECTOR } from '../scorer/series.ts';
import { DATASOURCE, linkTo } from './panels.ts';

const DASHBOARDS = {
  'lorikeet-overview': 'Overview',
  'lorikeet-service': 'Service',
  'lorikeet-exporter': 'Exporter',
  'lorikeet-scorer': 'Scorer',
} as const;
export type DashboardUid = keyof typeof DASHBOARDS;

export interface BoardOptions {
  readonly uid: DashboardUid;
  readonly description: string;
  /** Start of the time range, such as `now-3h`. */
  readonly from: string;
  /** Matchers for the alerts shown as annotations. */
  readonly alerts: string;
  readonly alertText: string;
}

/** The parts common to all dashboards: data source, time range, links to the others, alerts as annotations. */
export function board(options: BoardOptions): DashboardBuilder {
  const { uid } = options;
  const dashboard = new DashboardBuilder(`Lorikeet / ${DASHBOARDS[uid]}`)
    .id(null)
    .uid(uid)
    .description(options.description)
    .tags(['lorikeet'])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: options.from, to: 'now' })
    .timezone('browser')
    .refresh('30s')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .annotation(
      marks({
        name: 'Alerts',
        colour: 'red',
        expr: `ALERTS{${options.alerts}, alertstate="firing"}`,
        title: '{{alertname}}',
        text: options.alertText,
      }),
    );
  for (const [other, title] of Object.entries(DASHBOARDS)) if (other !== uid) dashboard.link(linkTo(title, other));
  return dashboard;
}

/** A variable with the values of a label. */
export function labelVariable(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query({ query, refId: `variable-${name}` })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc);
}

/** As `labelVariable`, with multiple values, all selected by default. */
export function labelsVariable(name: string, label: string, query: string): QueryVariableBuilder {
  return labelVariable(name, label, query)
    .multi(true)
    .includeAll(true)
    .current({ selected: true, text: ['All'], value: ['$__all'] });
}

/** The detector whose scores a dashboard shows. */
export function detectorVariable(): QueryVariableBuilder {
  return labelVariable('detector', 'Detector', 'label_values(anomaly_score, detector)').current({
    selected: true,
    text: DETECTOR,
    value: DETECTOR,
  });
}

/** Alerts about services, for annotations. */
export const SERVICE_ALERTS =
  'ServiceAnomalous|ServiceSeverelyAnomalous|ResponseTimeAnomalous|ContainerMetricsAnomalous|InstanceDiffers|VersionDiffers|UnexpectedPath';

export interface MarkOptions {
  readonly name: string;
  readonly expr: string;
  readonly colour: string;
  readonly title: string;
  readonly text: string;
  /** The values are the times to mark, in milliseconds. Default: the time in which there are values is marked. */
  readonly byValue?: boolean;
}

/** Times that a series marks on every panel. */
export function marks(options: MarkOptions): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name(options.name)
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor(options.colour)
    .expr(options.expr)
    .step('30s')
    .useValueForTime(options.byValue ?? false)
    .titleFormat(options.title)
    .textFormat(options.text);
}

/** A choice between fixed values; the first is the default. */
export function choiceVariable(name: string, label: string, values: readonly string[]): CustomVariableBuilder {
  const [first = ''] = values;
  return new CustomVariableBuilder(name)
    .label(label)
    .values(values.join(','))
    .options(values.map((value) => ({ text: value, value, selected: value === first })))
    .current({ text: first, value: first, selected: true });
}

export function textVariable(name: string, label: string, value: string): TextBoxVariableBuilder {
  return new TextBoxVariableBuilder(name)
    .label(label)
    .defaultValue(value)
    .current({ text: value, value, selected: true });
}
