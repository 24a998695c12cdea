import { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { square } from './activations.ts';
import { mul, sub } from './arithmetic.ts';
import { gradients } from './gradients.ts';
import { Graph } from './graph.ts';
import { adam, type AdamOptions } from './optimiser.ts';
import { sum } from './reductions.ts';
import { openGraph } from './session.ts';

const TARGET = [1, -2, 0.5];
const CURVATURE = [1, 10, 0.1];
const DECAYED = [1, 1, 0];

/** Minimises sum(curvature * (w - target)^2) and returns w after each step. */
async function descend(options: AdamOptions, steps: number, learningRate: number): Promise<number[][]> {
  const graph = new Graph();
  const constant = (name: string, data: number[]) => graph.constant(name, Float32Array.from(data), [3]);
  const w = graph.input('w', [3]);
  const [m, v, step] = [graph.input('m', [3]), graph.input('v', [3]), graph.input('step', [])];
  const loss = sum(mul(square(sub(w, constant('target', TARGET))), constant('curvature', CURVATURE)));
  const [gradient] = gradients(loss, [w]);
  const state = { step, firstMoment: m, secondMoment: v };
  const next = adam(w, gradient!, state, graph.input('rate', []), constant('decayed', DECAYED), options);
  graph.output('w_next', next.parameters).output('m_next', next.firstMoment);
  graph.output('v_next', next.secondMoment).output('step_next', next.step);
  const session = await openGraph(graph, 'adam');
  const zero = () => new Tensor('float32', new Float32Array(3), [3]);
  let feeds: Record<string, Tensor> = {
    w: zero(),
    m: zero(),
    v: zero(),
    step: new Tensor('float32', Float32Array.of(0), []),
  };
  const rate = new Tensor('float32', Float32Array.of(learningRate), []);
  const path: number[][] = [];
  for (let i = 0; i < steps; i++) {
    const result = (await session.run({ ...feeds, rate })) as Record<string, Tensor>;
    feeds = { w: result['w_next']!, m: result['m_next']!, v: result['v_next']!, step: result['step_next']! };
    path.push(Array.from(feeds['w']!.data as Float32Array));
  }
  await session.release();
  return path;
}

/** The published algorithm, in double precision. */
function reference(options: AdamOptions, steps: number, learningRate: number): number[][] {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, clipNorm = Infinity } = options;
  const [w, m, v] = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ] as [number[], number[], number[]];
  return Array.from({ length: steps }, (_, index) => {
    const g = w.map((x, i) => 2 * CURVATURE[i]! * (x - TARGET[i]!));
    const factor = Math.min(1, clipNorm / Math.hypot(...g));
    for (let i = 0; i < w.length; i++) {
      m[i] = beta1 * m[i]! + (1 - beta1) * g[i]! * factor;
      v[i] = beta2 * v[i]! + (1 - beta2) * (g[i]! * factor) ** 2;
      const change = m[i]! / (1 - beta1 ** (index + 1)) / (Math.sqrt(v[i]! / (1 - beta2 ** (index + 1))) + epsilon);
      w[i]! -= learningRate * (change + weightDecay * DECAYED[i]! * w[i]!);
    }
    return [...w];
  });
}

describe('adam', () => {
  it.each<[string, AdamOptions]>([
    ['with its defaults', {}],
    ['with weight decay on some weights', { weightDecay: 0.1 }],
    ['with a clipped gradient', { clipNorm: 0.5 }],
    ['with other rates', { beta1: 0.8, beta2: 0.99, epsilon: 1e-4 }],
  ])('takes the published steps %s', async (_name, options) => {
    const [actual, expected] = [await descend(options, 50, 0.05), reference(options, 50, 0.05)];
    for (const [i, w] of actual.entries()) {
      for (const [j, value] of w.entries()) expect(value).toBeCloseTo(expected[i]![j]!, 4);
    }
  });

  it('finds the minimum', async () => {
    const end = (await descend({}, 600, 0.05)).at(-1)!;
    for (const [i, value] of end.entries()) expect(value).toBeCloseTo(TARGET[i]!, 2);
  });
});
