import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Directory } from '../identity/directory.ts';
import { MAX_ANCESTORS } from '../identity/leaf.ts';
import type { Target, TargetSource } from '../identity/target.ts';
import { MemoryCgroups, MemoryPaths } from './memory-map.ts';

/** A source with targets set by the test. */
export class ListSource implements TargetSource {
  readonly name = 'list';
  targets: readonly Target[] = [];

  close(): void {}
}

/** Targets with defaults for tests. */
export function target(values: Partial<Target>): Target {
  return {
    namespace: 'shop',
    service: 'cart',
    pod: 'cart-1',
    cgroup: '/cart-1',
    addresses: [],
    monitored: true,
    workloadKind: 'Deployment',
    node: 'node-1',
    ...values,
  };
}

/** A directory over a temporary tree, whose folders have ids and disappear like cgroups. */
export class Tree {
  readonly root = mkdtempSync(join(tmpdir(), 'lorikeet-tree-'));
  readonly source = new ListSource();
  readonly cgroups = new MemoryCgroups();
  readonly paths = new MemoryPaths();
  readonly directory = new Directory({
    sources: [this.source],
    cgroupfs: this.root,
    cgroups: this.cgroups,
    paths: this.paths,
  });

  /** Makes a folder and returns its id. */
  make(path: string): bigint {
    mkdirSync(join(this.root, path), { recursive: true });
    return this.id(path);
  }

  /** Makes a folder in which the kernel has seen a socket. */
  seen(path: string): bigint {
    const id = this.make(path);
    const parents: bigint[] = [];
    for (let end = path.lastIndexOf('/'); end >= 0; end = path.lastIndexOf('/', end - 1)) {
      parents.push(this.id(path.slice(0, end)));
      if (end === 0) break;
    }
    this.cgroups.record(id, parents.slice(0, MAX_ANCESTORS));
    return id;
  }

  /** Makes a folder in which the kernel has seen a socket and recorded its path, and removes it. */
  brief(path: string): bigint {
    const id = this.seen(path);
    this.paths.record(id, path.slice(1).split('/').toReversed());
    this.remove(path);
    return id;
  }

  move(from: string, to: string): void {
    renameSync(join(this.root, from), join(this.root, to));
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { recursive: true });
  }

  id(path: string): bigint {
    return statSync(join(this.root, path), { bigint: true }).ino;
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
