import { expect, it } from 'vitest';
import { nearest } from './nearest.ts';

const KNOWN = ['web.listen-address', 'web.config.file', 'log.level', 'log.format', 'run', 'train', 'rules'];

it.each([
  ['web.listen-adress', 'web.listen-address'],
  ['listen-address', 'web.listen-address'],
  ['web.listen', 'web.listen-address'],
  ['web.confgi.file', 'web.config.file'],
  ['log.levle', 'log.level'],
  ['trian', 'train'],
  ['rnu', 'run'],
  ['rule', 'rules'],
  ['r', undefined],
  ['sing', undefined],
  ['colour', undefined],
  ['', undefined],
])('%j is nearest to %s', (word, expected) => expect(nearest(word, KNOWN)).toBe(expected));
