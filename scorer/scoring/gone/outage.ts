import { scopeOf } from '../../identity/service-key.ts';

/** Services that must have been there for the loss of most of them to be an outage. */
const MIN_SERVICES = 4;
/** Steps for which most services may be missing together as an outage: after that, they have ended. */
const MAX_OUTAGE_STEPS = 10;

type Services = ReadonlyMap<string, unknown>;

/**
 * Outages of what measures services: so many lack values at once that the store, a rule or the exporters must have
 * failed. All services of the store, or of one cluster, where labels of the identity keep clusters apart.
 */
export class Outages {
  /** Steps that the outage of each scope has lasted. */
  readonly #steps = new Map<string, number>();
  #isOfAll = false;

  /** True if a service is one of those that lack values together, or of the few that are left. */
  covers(key: string): boolean {
    return this.#isOfAll || (this.#steps.size > 0 && this.#steps.has(scopeOf(key)));
  }

  /**
   * @param before services with values at the last step that was no outage for them
   * @param missing services without values at that step
   */
  update(before: Services, present: Services, missing: Services): void {
    this.#isOfAll = present.size === 0;
    const [was, is] = [byScope(before), byScope(present)];
    for (const scope of new Set([...was.keys(), ...this.#steps.keys()])) {
      const steps = this.#steps.get(scope) ?? 0;
      const lost = (was.get(scope) ?? []).filter((key) => !present.has(key) && !missing.has(key));
      const fails = this.#isOfAll || isOutage(was.get(scope) ?? [], is.get(scope) ?? [], lost, steps);
      if (fails) this.#steps.set(scope, steps + 1);
      else this.#steps.delete(scope);
    }
  }
}

/** True if all services of a scope are lost, or most of those that were there at the step before. */
function isOutage(was: readonly string[], is: readonly string[], lost: readonly string[], steps: number): boolean {
  if (was.length < MIN_SERVICES) return false;
  return (is.length === 0 || steps < MAX_OUTAGE_STEPS) && lost.length > was.length / 2;
}

function byScope(services: Services): Map<string, string[]> {
  const scopes = new Map<string, string[]>();
  for (const key of services.keys()) {
    const keys = scopes.get(scopeOf(key));
    if (keys === undefined) scopes.set(scopeOf(key), [key]);
    else keys.push(key);
  }
  return scopes;
}
