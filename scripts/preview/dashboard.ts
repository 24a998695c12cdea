/**
 * The fields of a generated dashboard used by preview and tests.
 * https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
 */
export interface Dashboard {
  readonly id: null;
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly editable: boolean;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: { readonly list: readonly Annotation[] };
  readonly links: readonly { readonly url: string; readonly includeVars: boolean; readonly keepTime: boolean }[];
}

export interface Datasource {
  readonly type: string;
  readonly uid: string;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: Datasource;
  readonly repeat?: string;
  readonly targets?: readonly Target[];
  readonly transformations?: readonly Transformation[];
  readonly fieldConfig?: FieldConfig;
  readonly options?: {
    readonly legend?: { readonly displayMode?: string };
    readonly content?: string;
    readonly textMode?: string;
    readonly nodes?: { readonly arcs?: readonly { readonly field: string; readonly color: string }[] };
    readonly edges?: { readonly mainStatUnit?: string };
  };
}

export interface FieldConfig {
  readonly defaults: {
    readonly unit?: string;
    readonly noValue?: string;
    readonly min?: number;
    readonly max?: number;
    readonly thresholds?: { readonly steps: readonly { readonly value: number | null; readonly color: string }[] };
    readonly custom?: {
      readonly stacking?: { readonly mode: string };
      readonly thresholdsStyle?: { readonly mode: string };
    };
  };
  readonly overrides: readonly {
    readonly matcher: { readonly id: string; readonly options: string };
    readonly properties: readonly { readonly id: string; readonly value: unknown }[];
  }[];
}

export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly format?: 'time_series' | 'table';
  readonly instant?: boolean;
  readonly legendFormat?: string;
  readonly datasource: Datasource;
}

export interface Transformation {
  readonly id: string;
  readonly options: object;
  readonly filter?: { readonly id: string; readonly options: string };
}

export interface Variable {
  readonly name: string;
  readonly type: 'datasource' | 'query' | 'custom' | 'textbox';
  readonly label: string;
  readonly query: string | { readonly query: string };
  readonly datasource?: Datasource;
  readonly refresh?: number;
  readonly includeAll?: boolean;
  readonly allValue?: string;
  readonly current?: { readonly value: string | readonly string[] };
}

export interface Annotation {
  readonly name: string;
  readonly expr?: string;
  readonly datasource?: Datasource;
}

/** Panels without rows, which are headings. */
export function contentPanels(dashboard: Dashboard): readonly Panel[] {
  return dashboard.panels.filter(({ type }) => type !== 'row');
}
