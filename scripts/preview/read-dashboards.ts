import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dashboard } from './dashboard.ts';

const FOLDER = 'dashboards/generated';

/** The shipped dashboards. The working directory must be the repository. */
export function readDashboards(): readonly Dashboard[] {
  return readdirSync(FOLDER).map((name) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Dashboard);
}
