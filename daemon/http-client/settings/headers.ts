import * as z from 'zod';
import { fileSchema } from './text.ts';

/** Headers set by the protocol or the client; a user's value would break the request or be ignored. */
const RESERVED_HEADERS = new Set([
  'accept-encoding',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'transfer-encoding',
  'user-agent',
  'www-authenticate',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
  'x-prometheus-remote-write-version',
]);

const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const nameSchema = z.string().regex(NAME, 'expected a header name');
const valueSchema = z.string('expected a string').regex(VALUE, 'expected a header value on one line');
const valuesSchema = z.array(valueSchema, 'expected a list of strings').optional();

/** True for text that can be sent as a header's value. */
export function isHeaderValue(text: string): boolean {
  return VALUE.test(text);
}

function refuseReserved(headers: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void {
  for (const name of Object.keys(headers)) {
    if (!RESERVED_HEADERS.has(name.toLowerCase())) continue;
    context.addIssue({ code: 'custom', path: [name], message: 'this header is set by the program itself' });
  }
}

/** `headers` of remote_write: a value by name. */
export const headersSchema = z.record(nameSchema, valueSchema).superRefine(refuseReserved);

/** `http_headers`: any number of values by name, in the file, as secrets, or in files of their own. */
export const httpHeadersSchema = z
  .record(
    nameSchema,
    z
      .strictObject({
        values: valuesSchema,
        secrets: valuesSchema,
        files: z.array(fileSchema, 'expected a list').optional(),
      })
      .refine(
        ({ values, secrets, files }) => [values, secrets, files].some((one) => one !== undefined && one.length > 0),
        {
          message: 'expected values, secrets or files',
        },
      ),
  )
  .superRefine(refuseReserved);

/** `proxy_connect_header`: headers of CONNECT requests, each with any number of values. */
export const connectHeaderSchema = z.record(
  nameSchema,
  z.array(valueSchema, 'expected a list of strings').min(1, 'expected a value'),
);
