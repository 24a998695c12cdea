import { describe, expect, it } from 'vitest';
import { renderLabels } from './labels.ts';

describe('renderLabels', () => {
  it.each([
    [{}, ''],
    [{ a: '1', b: '2' }, 'a="1",b="2"'],
    [{ a: '', b: '2' }, 'b="2"'],
    [{ a: 'C:\\dir "x"\nnext' }, 'a="C:\\\\dir \\"x\\"\\nnext"'],
    [{ a: 'größe' }, 'a="größe"'],
  ])('renders %o', (labels, text) => expect(renderLabels(labels as Record<string, string>)).toBe(text));
});
