import type { Dashboard, Panel } from './dashboard.ts';
import type { Frame } from './frames.ts';
import type { DashboardView } from './grafana.ts';

/** A panel with its data. */
export interface DrawnPanel {
  readonly panel: Panel;
  readonly title: string;
  readonly frames: readonly Frame[];
  /** HTML of a text panel, with variables replaced. */
  readonly content: string;
}

export interface Screen {
  readonly title: string;
  /** Unix times. */
  readonly from: number;
  readonly to: number;
  readonly panels: readonly DrawnPanel[];
}

/** Maximum number of copies of a repeated panel. */
const MAX_COPIES = 8;

/** The content of a dashboard at one time. */
export async function screenOf(view: DashboardView, from: number, to: number): Promise<Screen> {
  const { dashboard } = view;
  const copies = (await Promise.all(dashboard.panels.map((panel) => repeat(view, dashboard, panel)))).flat();
  const panels = await Promise.all(copies.map(({ panel, within }) => draw(within, panel)));
  return { title: dashboard.title, from, to, panels };
}

interface Copy {
  readonly panel: Panel;
  readonly within: DashboardView;
}

/** Repeats a panel for each value of its variable, side by side. */
async function repeat(view: DashboardView, dashboard: Dashboard, panel: Panel): Promise<readonly Copy[]> {
  const variable = dashboard.templating.list.find(({ name }) => name === panel.repeat);
  if (variable === undefined) return [{ panel, within: view }];
  const values = (await view.values(variable)).slice(0, MAX_COPIES);
  return values.map((value) => ({ panel, within: view.with({ [variable.name]: value }) }));
}

async function draw(view: DashboardView, panel: Panel): Promise<DrawnPanel> {
  const [title, content] = [view.fill(panel.title), view.fill(panel.options?.content ?? '')];
  return { panel, title, content, frames: panel.type === 'row' ? [] : await view.frames(panel) };
}
