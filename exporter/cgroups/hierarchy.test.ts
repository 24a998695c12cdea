import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findHierarchy, isUnified } from './hierarchy.ts';

let folder: string;
let unified: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-hierarchy-'));
  unified = join(folder, 'unified');
  mkdirSync(unified);
  mkdirSync(join(folder, 'blkio'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const HYBRID = '7:blkio:/\n4:memory,hugetlb:/machine/a:b\n1:name=systemd:/\n0::/\n';

describe('findHierarchy', () => {
  it('is version 2 if version 1 does not have the controller', () => {
    const hierarchy = findHierarchy('blkio', unified, '0::/user.slice\n');
    expect(hierarchy).toEqual({ id: 0, root: unified });
    expect(hierarchy && isUnified(hierarchy)).toBe(true);
  });

  it('is the tree next to it if version 1 has the controller', () => {
    const hierarchy = findHierarchy('blkio', unified, HYBRID);
    expect(hierarchy).toEqual({ id: 7, root: join(folder, 'blkio') });
    expect(hierarchy && isUnified(hierarchy)).toBe(false);
  });

  it('is undefined if that tree is not visible', () =>
    expect(findHierarchy('hugetlb', unified, HYBRID)).toBeUndefined());
});
