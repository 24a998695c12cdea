/**
 * What a terminal or a log viewer does not show as it is: controls, invisible and direction-changing characters, line and
 * paragraph separators, and halves of surrogate pairs.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const INVISIBLE_IN_LINES = /[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** `text` with invisible characters as in JSON, `\u001b`. */
export function escapeInvisible(text: string): string {
  return text.replaceAll(INVISIBLE, escaped);
}

/** As `escapeInvisible`, for text of several lines: these stay. */
export function escapeLines(text: string): string {
  return text.replaceAll(INVISIBLE_IN_LINES, escaped);
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    return `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }).join('');
}

/** `text` in double quotes on one line, escaped as in JSON and cut to `max` characters. */
export function quote(text: string, max = 80): string {
  const quoted = escapeInvisible(JSON.stringify(cut(text, max)));
  return quoted.length > max ? `${quoted.slice(0, max - 3)}...` : quoted;
}

/** `text`, or its start and `...` if it has more than `max` characters. */
export function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 3)}...` : text;
}

/**
 * `text`, or its start and the number of its characters if it has more than `max`. The result does not keep the memory
 * of a longer text: a slice of a string refers to the whole string.
 */
export function cutAndCount(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${Buffer.from(text.slice(0, max)).toString()}... (${text.length} characters)`;
}
