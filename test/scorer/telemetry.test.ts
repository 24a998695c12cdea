import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { Graph } from '../../scorer/network/graph.ts';
import { openGraph } from '../../scorer/network/session.ts';

const home = mkdtempSync(join(tmpdir(), 'lorikeet-home-'));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

it('onnxruntime keeps nothing about this machine, and sends nothing', async () => {
  vi.stubEnv('HOME', home);
  vi.stubEnv('XDG_CACHE_HOME', undefined);
  const graph = new Graph();
  graph.output('y', graph.input('x', [1]));
  const session = await openGraph(graph, 'example');
  await session.release();
  expect(readdirSync(home)).toEqual([]);
});
