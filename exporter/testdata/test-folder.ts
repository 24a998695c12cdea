import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A temporary directory for a test file, removed after its last test. */
export class TestFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'lorikeet-test-'));

  constructor() {
    afterAll(() => rmSync(this.path, { recursive: true }));
  }

  /** Returns the file's path. */
  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }
}
