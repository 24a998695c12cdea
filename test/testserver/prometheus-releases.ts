import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The programs of one release of Prometheus, with the Alertmanager of its time. */
export interface PrometheusRelease {
  readonly prometheus: string;
  readonly promtool: string;
  readonly alertmanager: string;
  readonly amtool: string;
}

/** The programs on the PATH: Debian's. */
export const INSTALLED_RELEASE: PrometheusRelease = {
  prometheus: 'prometheus',
  promtool: 'promtool',
  alertmanager: 'prometheus-alertmanager',
  amtool: 'amtool',
};

/** Relative to the repository, in which npm and vitest run. */
const BUILD = 'scripts/build-prometheus.sh';

/** The current release, which `scripts/build-prometheus.sh` builds; its programs may be missing. */
export function currentRelease(): PrometheusRelease {
  const folder = execFileSync('bash', [BUILD, '--path'], { encoding: 'utf8' }).trim();
  const [prometheus, promtool, alertmanager, amtool] = ['prometheus', 'promtool', 'alertmanager', 'amtool'].map(
    (name) => join(folder, name),
  ) as [string, string, string, string];
  return { prometheus, promtool, alertmanager, amtool };
}

export function hasCurrentRelease(): boolean {
  return Object.values(currentRelease()).every((path: string) => existsSync(path));
}
