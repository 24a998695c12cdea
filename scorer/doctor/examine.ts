import { describeError } from '../../daemon/logger.ts';
import { PrometheusError } from '../prometheus/client.ts';
import { CHECKS } from './all.ts';
import { type Check, error, type Finding, type Status, worst } from './check.ts';
import { queryFailure } from './remedies.ts';
import { prometheus } from './server/prometheus.ts';
import type { System } from './system.ts';

/** A finding with the name of its check. */
export interface Report extends Finding {
  readonly check: string;
}

export interface Examination {
  /** The worst of all findings. */
  readonly status: Status;
  readonly findings: readonly Report[];
  /** Checks that were left out because Prometheus does not answer. */
  readonly skipped: readonly string[];
}

export interface ExaminationOptions {
  /** Leave out the checks that make sense only before the scorer starts. */
  readonly running?: boolean;
}

/** Runs all checks. Never rejects: a check that fails is an error in the report. */
export async function examine(system: System, { running = false }: ExaminationOptions = {}): Promise<Examination> {
  const chosen = CHECKS.filter((check) => !(running && check.beforeStart === true));
  const answers = resultOf(prometheus, system);
  const skipped: string[] = [];
  const findings = await Promise.all(
    chosen.map(async (check) => {
      if (check.queries && worst(await answers) === 'error') {
        skipped.push(check.name);
        return [];
      }
      const found = await (check === prometheus ? answers : resultOf(check, system));
      return found.map((finding): Report => ({ check: check.name, ...finding }));
    }),
  );
  return { status: worst(findings.flat()), findings: findings.flat(), skipped };
}

async function resultOf(check: Check, system: System): Promise<readonly Finding[]> {
  try {
    return await check.run(system);
  } catch (failure) {
    if (!(failure instanceof PrometheusError)) {
      return [error(`the check failed: ${describeError(failure)}`, 'report this as a bug')];
    }
    const { reason, remedy } = queryFailure(failure);
    return [error(`${system.url}: ${reason}`, remedy)];
  }
}
