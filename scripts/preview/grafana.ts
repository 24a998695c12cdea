import type { Annotation, Dashboard, Panel, Target, Variable } from './dashboard.ts';
import { type Frame, type Series, toFrames, transform } from './frames.ts';

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value?: readonly [number, string];
      readonly values?: readonly (readonly [number, string])[];
    }[];
  };
}

export interface ViewOptions {
  readonly prometheusUrl: string;
  /** End of the time range as Unix time, and its length in seconds. */
  readonly end: number;
  readonly span: number;
  /** Scrape interval in seconds, as configured in Grafana's data source. */
  readonly scrapeInterval: number;
  /** Selected values of the query variables with a single choice. */
  readonly chosen: Readonly<Record<string, string>>;
}

/** Prepares a dashboard like Grafana: fills in variables, queries Prometheus, applies transformations. */
export class DashboardView {
  readonly dashboard: Dashboard;
  readonly #options: ViewOptions;
  readonly #values = new Map<string, string>();

  private constructor(dashboard: Dashboard, options: ViewOptions) {
    this.dashboard = dashboard;
    this.#options = options;
    const rateInterval = Math.max(stepOf(options) + options.scrapeInterval, 4 * options.scrapeInterval);
    this.#values.set('__rate_interval', `${rateInterval}s`).set('__range', `${options.span}s`);
  }

  /** Reads the values of all variables in their order: a later one may depend on an earlier one. */
  static async open(dashboard: Dashboard, options: ViewOptions): Promise<DashboardView> {
    const view = new DashboardView(dashboard, options);
    for (const variable of dashboard.templating.list) view.#values.set(variable.name, await view.#choose(variable));
    return view;
  }

  /** The frames of a panel. */
  async frames(panel: Panel): Promise<Frame[]> {
    const targets = panel.targets ?? [];
    const tables = targets.filter(({ format }) => format === 'table').length;
    const frames: Frame[] = [];
    for (const target of targets) frames.push(...toFrames(target, await this.series(target), tables));
    return transform(frames, panel.transformations ?? []);
  }

  /** @throws Error with Prometheus' message if it rejects the query */
  series(target: Target | { readonly expr: string; readonly instant?: boolean }): Promise<Series[]> {
    return target.instant === true ? this.#instant(target.expr) : this.#range(target.expr);
  }

  annotation({ expr }: Annotation): Promise<Series[]> {
    return this.#range(expr ?? '');
  }

  /** Replaces the variables in a text. */
  fill(text: string): string {
    return text.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced: string | undefined, plain: string | undefined) => {
      const value = this.#values.get(braced ?? plain ?? '');
      return value ?? whole;
    });
  }

  /** The same view with other values of some variables. */
  with(values: Readonly<Record<string, string>>): DashboardView {
    const view = new DashboardView(this.dashboard, this.#options);
    for (const [name, value] of [...this.#values, ...Object.entries(values)]) view.#values.set(name, value);
    return view;
  }

  /** All values of a query variable. */
  async values(variable: Variable): Promise<readonly string[]> {
    const query = typeof variable.query === 'string' ? variable.query : variable.query.query;
    const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(this.fill(query)) ?? [];
    if (selector === undefined || label === undefined) throw new Error(`no label_values query: ${query}`);
    const url = `${this.#options.prometheusUrl}/api/v1/label/${label}/values?match[]=${encodeURIComponent(selector)}`;
    return ((await (await fetch(url)).json()) as { readonly data: readonly string[] }).data;
  }

  async #choose(variable: Variable): Promise<string> {
    if (variable.type !== 'query') return String(variable.current?.value ?? '');
    const values = await this.values(variable);
    const chosen = this.#options.chosen[variable.name];
    // One value of a repeated panel is enough: its queries only differ in the value.
    if (chosen !== undefined && values.includes(chosen)) return chosen;
    if (variable.includeAll === true) return variable.allValue ?? `(${values.join('|')})`;
    const preset = variable.current?.value;
    return values.find((value) => value === preset) ?? values[0] ?? '';
  }

  #instant(expr: string): Promise<Series[]> {
    return this.#ask('query', { query: this.fill(expr), time: String(this.#options.end) });
  }

  #range(expr: string): Promise<Series[]> {
    const { end, span } = this.#options;
    const step = String(stepOf(this.#options));
    return this.#ask('query_range', { query: this.fill(expr), start: String(end - span), end: String(end), step });
  }

  async #ask(path: string, parameters: Readonly<Record<string, string>>): Promise<Series[]> {
    const body = new URLSearchParams(parameters);
    const response = await fetch(`${this.#options.prometheusUrl}/api/v1/${path}`, { method: 'POST', body });
    const answer = (await response.json()) as Answer;
    if (answer.status !== 'success') throw new Error(`${answer.error}: ${parameters['query']}`);
    return answer.data.result.map(({ metric, value, values }) => ({
      labels: metric,
      points: (values ?? (value === undefined ? [] : [value])).map(
        ([seconds, text]) => [seconds, toNumber(text)] as const,
      ),
    }));
  }
}

/** Seconds between two points, limited by the resolution of a screen. */
function stepOf({ span, scrapeInterval }: ViewOptions): number {
  return Math.max(scrapeInterval, Math.ceil(span / 200));
}

function toNumber(text: string): number {
  return text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
}
