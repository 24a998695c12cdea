import { serviceName, type ServiceName } from '../identity/service-key.ts';

/** Returns true for the services that something announced applies to. */
export type Applies = (name: ServiceName) => boolean;

/** The services that something announced applies to at one time. */
export class Announced {
  readonly scopes: readonly Applies[];

  constructor(scopes: readonly Applies[] = []) {
    this.scopes = scopes;
  }

  covers(key: string): boolean {
    if (this.scopes.length === 0) return false;
    const name = serviceName(key);
    return this.scopes.some((applies) => applies(name));
  }
}

/** What was announced in the past, step by step. */
export class AnnouncedHistory {
  readonly #scopes: { readonly applies: Applies; readonly steps: readonly number[] }[] = [];

  add(applies: Applies, steps: readonly number[]): void {
    if (steps.length > 0) this.#scopes.push({ applies, steps });
  }

  /** The steps at which something announced applied to a service. */
  stepsOf(key: string): number[] {
    if (this.#scopes.length === 0) return [];
    const name = serviceName(key);
    return [...new Set(this.#scopes.flatMap(({ applies, steps }) => (applies(name) ? steps : [])))];
  }
}
