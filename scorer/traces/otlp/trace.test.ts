import { readFileSync } from 'node:fs';
import { file_trace } from './generated/trace_pb.ts';
import { expect, it } from 'vitest';

const SCALARS: Record<number, string> = {
  1: 'double',
  3: 'int64',
  5: 'int32',
  6: 'fixed64',
  8: 'bool',
  9: 'string',
  12: 'bytes',
};

it('is generated from trace.proto (scripts/generate-otlp.sh)', () => {
  const text = readFileSync(new URL('trace.proto', import.meta.url), 'utf8').replaceAll(/\/\/.*/g, '');
  const written = [...text.matchAll(/message (\w+) \{([^}]*(?:\{[^}]*\}[^}]*)?)\}/g)].map(([, name, fields = '']) => [
    name,
    [...fields.matchAll(/(repeated )?(\w+) (\w+) = (\d+);/g)].map((field) => field.slice(1, 5).join(' ').trim()),
  ]);
  const generated = file_trace.messages.map(({ name, fields }) => [
    name,
    fields.map((field) => {
      const list = field.fieldKind === 'list' ? 'repeated ' : '';
      const type = field.message?.name ?? SCALARS[field.scalar ?? 0];
      return `${list} ${type} ${field.name} ${field.number}`.trim();
    }),
  ]);
  expect(generated.length).toBe(8);
  expect(generated).toEqual(written);
});
