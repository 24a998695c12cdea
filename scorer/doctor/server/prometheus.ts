import { type Check, error, type Finding, ok, warning } from '../check.ts';
import { queryFailure } from '../remedies.ts';
import type { System } from '../system.ts';

const OLDEST = [2, 33] as const;

/** Whether Prometheus answers queries, and its version. Until it does, no other check that queries it is run. */
export const prometheus: Check = {
  name: 'prometheus',
  about: 'Prometheus answers queries at `prometheus.url`, and its version is supported',
  queries: false,
  async run(system) {
    try {
      await system.ping();
    } catch (failure) {
      const { reason, remedy } = queryFailure(failure);
      return [error(`${system.url}: ${reason}`, remedy)];
    }
    return [await versionFinding(system)];
  },
};

async function versionFinding(system: System): Promise<Finding> {
  const { version, goVersion } = (await system.api.buildInfo()) ?? {};
  const answers = `${system.url} answers queries`;
  if (version === undefined) return ok(`${answers}; it does not tell its version`);
  // VictoriaMetrics gives the version of Prometheus that it stands for, and nothing else.
  if (goVersion === undefined) return ok(`${answers}, compatible with Prometheus ${version}`);
  const [major = NaN, minor = NaN] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return ok(`${answers}: Prometheus ${version}`);
  return warning(
    `${answers}: Prometheus ${version}`,
    `update it to ${OLDEST.join('.')} or later, the oldest supported`,
  );
}
