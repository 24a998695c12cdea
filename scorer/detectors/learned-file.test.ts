import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseLearned, renderLearned } from './learned-file.ts';

const schema = z.strictObject({ weights: z.array(z.number()), name: z.string() });
const learned = { weights: [1.5, -2e-7], name: 'größe\u2028' };

describe('a file of what was learned', () => {
  it('comes back as it was', () => {
    expect(parseLearned('gru_vae', renderLearned('gru_vae', learned), schema)).toEqual(learned);
  });

  const text = Buffer.from(renderLearned('gru_vae', learned)).toString();
  it.each([
    ['another detector', text.replace('gru_vae', 'gru_vax'), 'not a file of gru_vae'],
    ['a changed number', text.replace('1.5', '1.6'), 'the checksum is wrong'],
    ['a file that was cut off', text.slice(0, 80), 'it is not JSON'],
    ['nothing', '', 'it is not JSON'],
    ['another form', Buffer.from(renderLearned('gru_vae', { ...learned, name: 3 })).toString(), 'name: '],
  ])('is refused where it is %s', (_, damaged, message) => {
    expect(() => parseLearned('gru_vae', Buffer.from(damaged), schema)).toThrow(message);
  });
});
