export interface OpenOptions {
  /** Map name -> maximum number of entries, instead of that in the object. */
  readonly maxEntries?: Readonly<Record<string, number>>;
  /** Name of a `const volatile` tunable -> its value; a boolean is 0 or 1. */
  readonly constants?: Readonly<Record<string, number | bigint>>;
  /** Programs not to load. */
  readonly disabled?: readonly string[];
}

/** The options as the addon takes them. */
export interface CheckedOptions {
  readonly maxEntries: readonly (readonly [string, number])[];
  readonly constants: readonly (readonly [string, bigint])[];
  readonly disabled: readonly string[];
}

const MAX_U32 = 2 ** 32 - 1;
const MIN_CONSTANT = -(2n ** 63n);
const MAX_CONSTANT = 2n ** 64n - 1n;

/**
 * Validates options without the object file. Names and sizes of constants are validated when the file is opened.
 *
 * @throws TypeError or RangeError naming the option.
 */
export function checkOptions(options: OpenOptions): CheckedOptions {
  const { maxEntries = {}, constants = {}, disabled = [] } = options;
  return {
    maxEntries: Object.entries(maxEntries).map(([map, entries]) => {
      if (!Number.isInteger(entries) || entries < 1 || entries > MAX_U32) {
        throw new RangeError(`maxEntries.${map}: expected an integer from 1 to ${MAX_U32}, got ${entries}`);
      }
      return [map, entries];
    }),
    constants: Object.entries(constants).map(([name, value]) => [name, checkConstant(name, value)]),
    disabled: checkPrograms('disabled', disabled),
  };
}

function checkPrograms(option: string, programs: readonly string[]): readonly string[] {
  for (const program of programs) {
    if (typeof program !== 'string') throw new TypeError(`${option}: expected program names, got ${String(program)}`);
  }
  return programs;
}

function checkConstant(name: string, value: number | bigint): bigint {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new RangeError(`constants.${name}: expected an exact integer, got ${value}`);
  }
  const exact = BigInt(value);
  if (exact < MIN_CONSTANT || exact > MAX_CONSTANT) {
    throw new RangeError(`constants.${name}: expected at most 64 bits, got ${exact}`);
  }
  return exact;
}
