/** What cycles remember, and a restart must not lose. */
export interface KeptPart {
  load(): void | Promise<void>;
  /** Called after each cycle. Never rejects. */
  saveIfDue(step: number): Promise<void>;
  /** Never rejects. */
  save(): Promise<void>;
}

/** All that cycles remember beside models and profiles. */
export class KeptState {
  readonly #parts: readonly KeptPart[];

  constructor(...parts: readonly KeptPart[]) {
    this.#parts = parts;
  }

  async load(): Promise<void> {
    for (const part of this.#parts) await part.load();
  }

  async saveIfDue(step: number): Promise<void> {
    for (const part of this.#parts) await part.saveIfDue(step);
  }

  async save(): Promise<void> {
    for (const part of this.#parts) await part.save();
  }
}
