/**
 * A text that others chose, cut to `maxChars` for a log, with its length if it is longer. The result does not keep the
 * memory of a longer one.
 */
export function cutText(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  // A slice of a string refers to the whole string.
  const start = Buffer.from(text.slice(0, maxChars)).toString();
  return `${start}… (${text.length} characters)`;
}
