import * as z from 'zod';
import { isOlder, TLS_VERSIONS, type TlsVersion } from '../../tls/versions.ts';
import { atMostOne, fileSchema, flagSchema, textSchema } from './text.ts';

const NAMES = Object.keys(TLS_VERSIONS) as readonly TlsVersion[];
const versionSchema = z.enum(NAMES, `expected ${NAMES.join(', ')}`).optional();
const pem = z.string('expected text in PEM format').min(1, 'expected text in PEM format').optional();

const keysSchema = z.strictObject({
  ca: pem,
  cert: pem,
  key: pem,
  ca_file: fileSchema.optional(),
  cert_file: fileSchema.optional(),
  key_file: fileSchema.optional(),
  server_name: textSchema.optional(),
  insecure_skip_verify: flagSchema.default(false),
  min_version: versionSchema,
  max_version: versionSchema,
});

function refuseContradictions(tls: z.output<typeof keysSchema>, context: z.RefinementCtx): void {
  const refuse = (message: string, path: string[] = []) => context.addIssue({ code: 'custom', path, message });
  for (const key of ['ca', 'cert', 'key'] as const) {
    const both = atMostOne(tls, [key, `${key}_file`]);
    if (both !== undefined) refuse(both);
  }
  const has = (key: 'cert' | 'key') => tls[key] !== undefined || tls[`${key}_file`] !== undefined;
  if (has('cert') !== has('key')) refuse('expected cert_file and key_file together, or cert and key');
  const { min_version: oldest, max_version: newest } = tls;
  if (oldest === undefined && newest !== undefined && isOlder(newest, 'TLS12')) {
    refuse('expected min_version with it, because TLS12 is the default', ['max_version']);
  }
  if (oldest !== undefined && newest !== undefined && isOlder(newest, oldest)) {
    context.addIssue({
      code: 'custom',
      path: ['min_version'],
      message: `expected no more than max_version, ${newest}`,
      input: oldest,
    });
  }
}

/** `tls_config`, https://prometheus.io/docs/prometheus/latest/configuration/configuration/#tls_config */
export const tlsSchema = keysSchema.superRefine(refuseContradictions);
export type TlsSettings = z.output<typeof tlsSchema>;
