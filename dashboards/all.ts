import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { exporter } from './exporter.ts';
import { overview } from './overview.ts';
import { scorer } from './scorer.ts';
import { service } from './service.ts';

/** All dashboards, with a number for each panel. */
export function dashboards(): readonly Dashboard[] {
  return [overview(), service(), exporter(), scorer()].map((builder) => number(builder.build()));
}

/** Grafana numbers panels at the first save; a dashboard that is provisioned is never saved. */
function number(dashboard: Dashboard): Dashboard {
  const panels = (dashboard.panels ?? []).map((panel, index) => ({ ...panel, id: index + 1 }));
  return { ...dashboard, panels };
}
