import { describe, expect, it } from 'vitest';
import {
  denseParameters,
  embeddingParameters,
  gruParameters,
  initialValues,
  layoutSize,
  lstmParameters,
  Parameters,
  parametersOf,
} from './parameters.ts';

const layout = [
  ...gruParameters('encoder', 3, 8),
  ...lstmParameters('next', 8, 6),
  ...denseParameters('output', 6, 2),
  ...embeddingParameters('calls', 10, 4),
];
const named = (name: string, seed = 1) =>
  parametersOf(layout, initialValues(layout, seed)).find((parameter) => parameter.name === name)!;

describe('initialValues', () => {
  it('depend on the seed only', () => {
    expect(initialValues(layout, 3)).toEqual(initialValues(layout, 3));
    expect(initialValues(layout, 3)).not.toEqual(initialValues(layout, 4));
    expect(initialValues(layout, 3)).toHaveLength(layoutSize(layout));
  });

  it('of recurrent matrices are orthogonal, block by block', () => {
    const { data, shape } = named('encoder.recurrent');
    expect(shape).toEqual([24, 8]);
    const row = (block: number, index: number) => data.subarray((block * 8 + index) * 8, (block * 8 + index + 1) * 8);
    for (let block = 0; block < 3; block++) {
      for (let i = 0; i < 8; i++) {
        for (let j = 0; j < 8; j++) {
          const product = row(block, i).reduce((sum, value, k) => sum + value * row(block, j)[k]!, 0);
          expect(product).toBeCloseTo(Number(i === j), 5);
        }
      }
    }
    expect([...row(0, 0)]).not.toEqual([...row(1, 0)]);
  });

  it('of other matrices are within the bound of Glorot and Bengio, and use all of it', () => {
    const { data, fanIn, fanOut } = named('encoder.input');
    const bound = Math.sqrt(6 / (fanIn + fanOut));
    expect(Math.max(...data.map(Math.abs))).toBeLessThanOrEqual(bound);
    expect(Math.max(...data)).toBeGreaterThan(bound * 0.8);
    expect(Math.min(...data)).toBeLessThan(-bound * 0.8);
  });

  it('of biases are 0, and 1 for the forget gates of an LSTM', () => {
    expect(named('encoder.bias').data.every((value) => value === 0)).toBe(true);
    const forget = [...named('next.bias').data.entries()].filter(([, value]) => value !== 0);
    expect(forget).toEqual([12, 13, 14, 15, 16, 17].map((index) => [index, 1]));
  });
});

describe('Parameters', () => {
  it('name one that is missing', () => {
    expect(() => new Parameters([]).get('output.weight')).toThrow('there is no parameter output.weight');
  });
});
