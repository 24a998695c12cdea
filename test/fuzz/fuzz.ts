import { dump, load } from 'js-yaml';
import { Random } from '../../scorer/numeric/random.ts';
import { mutateBytes } from './mutators/bytes.ts';
import { below, pick } from './mutators/choice.ts';
import { mutateStructure } from './mutators/structure.ts';
import { mutateTokens } from './mutators/tokens.ts';

/** A parser of what others wrote. */
export interface FuzzTarget {
  /** The folder of its corpus. */
  readonly name: string;
  /** Valid inputs, which are changed. They have `SECRET` in the place of each secret. */
  readonly examples: readonly string[];
  /** Throws one of `errors` at most. */
  readonly parse: (input: Buffer) => unknown;
  readonly errors: readonly (abstract new (...args: never[]) => Error)[];
}

/** The secret of the examples: it looks like one, so that it must not be printed wherever a change puts it. */
export const SECRET = 'Xq7Rt2Lm9Zp4Wv8Kd3Hs6Yb1Nc5Gf0Ja';

const MAX_MESSAGE_BYTES = 2048;
/** Bytes that the process may take more than before an input, once its garbage is collected. */
const MAX_GROWTH = 512 * 2 ** 20;

/** The input that a seed stands for: an example with one to four changes. */
export function inputOf({ examples }: FuzzTarget, seed: number): Buffer {
  const random = new Random(seed);
  let input: Buffer = Buffer.from(pick(random, examples));
  for (let changes = 1 + below(random, 4); changes > 0; changes--) {
    const kind = below(random, 3);
    if (kind === 0) input = mutateBytes(input, random, Buffer.from(pick(random, examples)));
    else if (kind === 1) input = Buffer.from(mutateTokens(input.toString('utf8'), random));
    else input = changedTree(input, random);
  }
  return input;
}

function changedTree(input: Buffer, random: Random): Buffer {
  let value: unknown;
  try {
    value = structuredClone(load(input.toString('utf8'), { maxAliases: 0 }));
  } catch {
    return input;
  }
  mutateStructure(value, random);
  return Buffer.from(random.uniform() < 0.5 ? JSON.stringify(value) : dump(value));
}

/** What a parser did wrong with an input; undefined if it returned, or threw what it may. */
export function problemOf({ parse, errors }: FuzzTarget, input: Buffer): string | undefined {
  const before = process.memoryUsage.rss();
  try {
    parse(input);
  } catch (error) {
    if (!errors.some((one) => error instanceof one)) return `threw ${(error as Error).stack ?? String(error)}`;
    const { message } = error as Error;
    if (Buffer.byteLength(message) > MAX_MESSAGE_BYTES) return `a message of ${message.length} characters`;
    if (message.includes(SECRET)) return `printed a secret: ${message}`;
    if (message.trim() === '') return 'an empty message';
  }
  if (({} as { polluted?: unknown }).polluted !== undefined) return 'changed the prototype of all objects';
  const growth = process.memoryUsage.rss() - before;
  return growth > MAX_GROWTH ? `took ${growth} bytes` : undefined;
}

/** A failure as text: how to see it again. */
export function renderFailure(target: FuzzTarget, seed: number, problem: string): string {
  const again = `npm run test:fuzz -- --target=${target.name} --seed=${seed} --inputs=1`;
  return `${target.name}, seed ${seed} (${again}): ${problem}\n${inputOf(target, seed).toString('utf8').slice(0, 1000)}`;
}
