import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A folder for the files that a test file writes; it goes when all of its tests have ended. */
export class TestFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'lorikeet-test-'));

  constructor() {
    afterAll(() => rmSync(this.path, { recursive: true }));
  }

  /** Returns where it wrote. */
  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }
}
