import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const version = (file: string) => /^\s+k8s\.io\/kubernetes (v\S+)/m.exec(readFileSync(file, 'utf8'))?.[1];

test('nodes and API server are of one version of Kubernetes', () => {
  expect(version('scripts/cluster/programs/go.mod')).toMatch(/^v1\.\d+\.\d+$/);
  expect(version('scripts/cluster/programs/go.mod')).toBe(version('scripts/kubernetes-assets/go.mod'));
});
