import { load, YAMLException } from 'js-yaml';
import { boundExpansion, ExpansionError } from './expansion.ts';

/** Text is not YAML that may be used. The message has no content of the text. */
export class YamlError extends Error {
  readonly code = 'YAML';
  override readonly name = 'YamlError';
}

/** More than any file that a person or a program writes for this one, in characters. */
export const MAX_YAML_LENGTH = 16 * 2 ** 20;
const MAX_ALIASES = 10_000;

/**
 * Parses one YAML (or JSON) document; undefined if it is empty. What it returns is a tree of a depth below 200, at most
 * a few times as large as the text once its aliases are followed.
 *
 * @throws YamlError
 */
export function parseYaml(text: string): unknown {
  if (text.length > MAX_YAML_LENGTH) throw new YamlError(`larger than ${MAX_YAML_LENGTH} characters`);
  // js-yaml rejects a file that has nothing else.
  if (text.split('\n').every(isEmptyLine)) return undefined;
  try {
    const value = load(text, { maxAliases: MAX_ALIASES });
    boundExpansion(value, text.length);
    return value;
  } catch (error) {
    if (error instanceof ExpansionError) throw new YamlError(error.message);
    throw new YamlError(`not valid YAML: ${reasonOf(error)}`);
  }
}

function isEmptyLine(line: string): boolean {
  const content = line.trim();
  return content === '' || content === '---' || content === '...' || content.startsWith('#');
}

/** Names of aliases and tags may be the start of a secret that was not quoted. */
function reasonOf(error: unknown): string {
  if (!(error instanceof YAMLException)) return 'it cannot be read';
  const { reason, mark } = error;
  const place = mark === undefined ? '' : ` (${mark.line + 1}:${mark.column + 1})`;
  const said = reason.replace(/characters: [^]*$/, 'characters').replaceAll(/"[^"]*"|!?<[^]*>/g, '...');
  return (said.split('\n')[0] ?? '') + place;
}
