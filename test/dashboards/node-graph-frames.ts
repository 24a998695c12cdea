import { expect } from 'vitest';
import { MAX_NODES } from '../../scorer/features/graph-rules.ts';
import type { Frame } from '../../scripts/preview/frames.ts';

/** The two frames of a node graph, by the fields that the panel reads. */
export interface Graph {
  readonly ids: readonly string[];
  readonly edgeIds: readonly string[];
  node(field: string): readonly unknown[];
  edge(field: string): readonly unknown[];
}

/** Checks the requirements of Grafana's panel on its frames, without which it fails (docs/guides/grafana.md). */
export function expectDrawable(frames: readonly Frame[]): Graph {
  const node = (field: string) => columnOf(frames, 'nodes', field);
  const edge = (field: string) => columnOf(frames, 'edges', field);
  const ids = node('id') as readonly string[];
  const edgeIds = edge('id') as readonly string[];
  expect(ids.length).toBeGreaterThan(0);
  expect(ids.length).toBeLessThanOrEqual(MAX_NODES);
  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set(edgeIds).size).toBe(edgeIds.length);
  const known = new Set(ids);
  for (const end of ['source', 'target']) {
    for (const id of edge(end)) expect(known.has(String(id)), `${end} ${String(id)}`).toBe(true);
  }
  const arcs = [node('arc__anomaly'), node('arc__normal')] as readonly (readonly number[])[];
  ids.forEach((id, row) => {
    const shares = arcs.map((values) => values[row] ?? NaN);
    expect(
      shares.every((share) => share >= 0 && share <= 1),
      id,
    ).toBe(true);
    expect(
      shares.reduce((sum, share) => sum + share, 0),
      id,
    ).toBeCloseTo(1, 9);
  });
  for (const title of node('title')) expect(title).not.toBe('');
  for (const rate of edge('mainstat')) expect(rate).toBeGreaterThanOrEqual(0);
  return { ids, edgeIds, node, edge };
}

function columnOf(frames: readonly Frame[], refId: string, name: string): readonly unknown[] {
  const frame = frames.find((candidate) => candidate.refId === refId);
  const field = frame?.fields.find((candidate) => candidate.name === name);
  if (field === undefined)
    throw new Error(`${refId}: no ${name} among ${frame?.fields.map((one) => one.name).join(', ')}`);
  return field.values;
}
