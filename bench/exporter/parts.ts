const ONLY = '--only=';

/**
 * The parts to measure: all in `known`, or those of `--only=kernel,cpu`, in the order of `known`.
 *
 * @throws RangeError naming an unknown part or argument.
 */
export function chooseParts<Name extends string>(known: readonly Name[], args: readonly string[]): readonly Name[] {
  const stray = args.find((arg) => !arg.startsWith(ONLY));
  if (stray !== undefined) throw new RangeError(`unexpected argument "${stray}": expected ${ONLY}part,...`);
  const wanted = args.flatMap((arg) => arg.slice(ONLY.length).split(','));
  const unknown = wanted.find((name) => !known.some((part) => part === name));
  if (unknown !== undefined) throw new RangeError(`no part "${unknown}": expected some of ${known.join(', ')}`);
  return wanted.length === 0 ? known : known.filter((part) => wanted.includes(part));
}
