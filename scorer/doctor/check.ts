import type { System } from './system.ts';

/** `error`: the scorer cannot do its work. `warning`: it works, but worse than it could. */
export const STATUSES = ['ok', 'warning', 'error'] as const;
export type Status = (typeof STATUSES)[number];

/** What a check found: the state in one line, and what to do about it in another. */
export interface Finding {
  readonly status: Status;
  readonly message: string;
  /** Only of warnings and errors. */
  readonly remedy?: string;
  /** True if the cycles of `run` log the same, as soon as it shows. */
  readonly isLogged?: true;
}

/** One look at the system that the scorer works in. */
export interface Check {
  /** Its name in the report, and in the label `check` of `lorikeet_scorer_problem`. */
  readonly name: string;
  /** What it looks at, for the documentation. */
  readonly about: string;
  /** True if it queries Prometheus: it is left out while Prometheus does not answer. */
  readonly queries: boolean;
  /** True if it makes sense only before the scorer starts: `run` leaves it out. */
  readonly beforeStart?: boolean;
  /** Returns at least one finding. @throws PrometheusError if a query fails */
  run(system: System): Promise<readonly Finding[]>;
}

export const ok = (message: string): Finding => ({ status: 'ok', message });
export const warning = (message: string, remedy: string): Finding => ({ status: 'warning', message, remedy });
export const error = (message: string, remedy: string): Finding => ({ status: 'error', message, remedy });

/** A finding that the cycles of `run` log themselves. */
export const loggedByCycles = (finding: Finding): Finding => ({ ...finding, isLogged: true });

/** The worst status of the findings; `ok` if there are none. */
export function worst(findings: readonly { readonly status: Status }[]): Status {
  return STATUSES.findLast((status) => findings.some((finding) => finding.status === status)) ?? 'ok';
}

const MAX_NAMES = 5;

/** The first names of a list, `a, b and 3 more`. */
export function someOf(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).join(', ');
  return names.length > MAX_NAMES ? `${shown} and ${names.length - MAX_NAMES} more` : shown;
}
