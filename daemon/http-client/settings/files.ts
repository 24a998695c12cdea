import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { configError } from '../../config-file.ts';
import { FileError, readFileBounded } from '../../files/read-file.ts';
import { renderFile } from '../../secrets/redact.ts';
import type { HttpClientSettings } from '../settings.ts';
import { isHeaderValue } from './headers.ts';
import type { TlsSettings } from './tls.ts';

/** Mappings from a user's own names, which may look like keys of files. */
const OWN_NAMES = new Set(['headers', 'proxy_connect_header', 'endpoint_params', 'claims', 'tags']);
/** Keys of files whose names don't end in `_file`. */
const FILE_KEYS = new Set(['token_file_path', 'certificate_path', 'certificate_key_path']);
/** Files whose whole text is sent in a header. */
const SECRET_FILES = /(username|password|credentials|bearer_token)_file$|\.files\[\d+\]$/;

type Visit = (file: string, path: string) => string;

/** The settings with file names resolved relative to `folder`, the directory of the configuration file. */
export function resolveHttpClientFiles<T extends HttpClientSettings>(settings: T, folder: string): T {
  return mapFiles(settings, '', (file) => resolve(folder, file)) as T;
}

/** Key in the settings and path of each file that they name. */
export function httpClientFiles(settings: HttpClientSettings): readonly (readonly [key: string, path: string])[] {
  const files: (readonly [string, string])[] = [];
  mapFiles(settings, '', (file, key) => {
    files.push([key, file]);
    return file;
  });
  return files;
}

/**
 * Reads every file that the settings name, as the client will for each request.
 *
 * @param path of the settings in the configuration file `name`
 * @throws ConfigError naming each file that is missing, not readable or has no valid content
 */
export function checkHttpClientFiles(name: string, path: string, settings: HttpClientSettings): void {
  const problems: string[] = [];
  mapFiles(settings, '', (file, key) => {
    const problem = problemOf(file, key);
    if (problem !== undefined) problems.push(`${renderFile(name)}: ${path}.${key}: ${problem}`);
    return file;
  });
  if (problems.length === 0) {
    for (const key of ['tls_config', 'oauth2.tls_config'] as const) {
      const problem = tlsProblem(key === 'tls_config' ? settings.tls_config : settings.oauth2?.tls_config);
      if (problem !== undefined) problems.push(`${renderFile(name)}: ${path}.${key}${problem}`);
    }
  }
  if (problems.length > 0) throw configError(problems);
}

function problemOf(file: string, key: string): string | undefined {
  try {
    const text = readSettingsFileSync(file);
    if (SECRET_FILES.test(key) && !isHeaderValue(text.trim())) return `${renderFile(file)}: expected text on one line`;
    return text.trim() === '' ? `${renderFile(file)}: the file is empty` : undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function tlsProblem(tls: TlsSettings | undefined): string | undefined {
  if (tls === undefined) return undefined;
  const read = (key: 'ca' | 'cert' | 'key') => {
    const file = tls[`${key}_file`];
    return file === undefined ? tls[key] : readSettingsFileSync(file);
  };
  const at = (key: 'ca' | 'cert' | 'key') =>
    tls[`${key}_file`] === undefined ? `.${key}` : `.${key}_file: ${renderFile(tls[`${key}_file`] ?? '')}`;
  const [ca, cert, key] = [read('ca'), read('cert'), read('key')];
  for (const [which, pem] of [
    ['ca', ca],
    ['cert', cert],
  ] as const) {
    if (pem !== undefined && !hasCertificate(pem)) return `${at(which)}: expected a certificate in PEM format`;
  }
  if (cert === undefined || key === undefined) return undefined;
  try {
    createSecureContext({ cert, key });
    return undefined;
  } catch (error) {
    return `${at('key')}: expected the key of the certificate: ${(error as Error).message}`;
  }
}

function hasCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem).toString();
    return true;
  } catch {
    return false;
  }
}

function mapFiles(value: unknown, path: string, visit: Visit): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]: [string, unknown]) => {
      const at = path === '' ? key : `${path}.${key}`;
      if (OWN_NAMES.has(key)) return [key, inner];
      if (typeof inner === 'string') return [key, isFileKey(key) ? visit(inner, at) : inner];
      if (!Array.isArray(inner)) return [key, mapFiles(inner, at, visit)];
      return [key, key === 'files' ? inner.map((file: string, index) => visit(file, `${at}[${index}]`)) : inner];
    }),
  );
}

function isFileKey(key: string): boolean {
  return key.endsWith('_file') || FILE_KEYS.has(key);
}

/** Reads a file of the settings as text. @throws FileError */
export async function readSettingsFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new FileError(file, error);
  }
}

/** Files of secrets often end in a newline; Prometheus trims them too. */
export async function readSecretFile(file: string): Promise<string> {
  return (await readSettingsFile(file)).trim();
}

/** More than all certificate authorities of the world, in bytes. */
const MAX_BYTES = 16 * 2 ** 20;

function readSettingsFileSync(file: string): string {
  return readFileBounded(file, MAX_BYTES).toString('utf8');
}
