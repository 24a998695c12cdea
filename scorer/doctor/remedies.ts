import { HttpError } from '../../daemon/http-client/client.ts';
import { describeError } from '../../daemon/logger.ts';
import { PrometheusError } from '../prometheus/client.ts';

/** Codes of Node.js and OpenSSL for certificates that are not trusted. */
const CERTIFICATE = /CERT|SIGNATURE|ISSUER/;

/** Messages about files of the HTTP client's settings. */
const UNUSABLE_FILE = /: (no such file|is a directory|not readable.*|expected text on one line)$/;

/** What to change in `section` of the configuration after a request to its URL got no response. */
export function unreachableRemedy(failure: unknown, section: string): string {
  const http = find(failure, (error): error is HttpError => error instanceof HttpError);
  if (http?.code === 'CREDENTIALS') {
    const ofFile = find(failure, (error): error is Error => UNUSABLE_FILE.test(error.message));
    if (ofFile === undefined) return `correct the credentials in ${section}, or the server that issues tokens for them`;
    return `make the file readable for the user that runs the scorer, or correct its path in ${section}`;
  }
  const code = find(failure, (error): error is Error & { code: string } => /^[A-Z_]+$/.test(codeOf(error)))?.code ?? '';
  if (http?.code === 'TIMEOUT') return `check that the network lets this machine through to ${section}.url`;
  if (CERTIFICATE.test(code)) return `set ${section}.tls_config.ca_file, or server_name if the certificate has another`;
  if (code === 'EPROTO' || code.includes('_SSL_'))
    return `the server does not speak TLS there: use http:// in ${section}.url`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `correct the host name in ${section}.url`;
  return `start the server, or correct host and port in ${section}.url`;
}

/** What to change in `section` after a response with this status. */
export function statusRemedy(status: number | undefined, section: string): string {
  if (status === 401 || status === 403) return `correct ${section}.basic_auth, authorization or headers`;
  if (status === 407) return `correct user and password in ${section}.proxy_url`;
  if (status === 404 || status === 405) return `correct the path in ${section}.url`;
  if (status === 429) return 'raise the rate limit of the server for the scorer';
  return 'see the log of the server';
}

/** The reason why a query failed, and what to do about it. */
export function queryFailure(failure: unknown): { readonly reason: string; readonly remedy: string } {
  const reason = describeError(failure);
  if (!(failure instanceof PrometheusError)) return { reason, remedy: 'report this as a bug' };
  if (failure.code === 'UNREACHABLE' || failure.code === 'TIMEOUT') {
    return { reason, remedy: unreachableRemedy(failure, 'prometheus') };
  }
  if (failure.exceedsLimit) {
    return {
      reason,
      remedy: 'raise the limit of the server, such as --query.max-samples, or divide the fleet with shard.count',
    };
  }
  if (failure.code === 'UNPARSABLE') {
    return {
      reason,
      remedy: 'correct the path in prometheus.url: the scorer appends /api/v1/query (Mimir has it below /prometheus)',
    };
  }
  if (/HTTP request to an HTTPS server/i.test(reason)) return { reason, remedy: 'use https:// in prometheus.url' };
  return { reason, remedy: statusRemedy(failure.status, 'prometheus') };
}

function codeOf(error: Error): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && !(error instanceof HttpError) && !(error instanceof PrometheusError) ? code : '';
}

/** The first of an error and its causes for which `wanted` holds. */
function find<T extends Error>(error: unknown, wanted: (error: Error) => error is T): T | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (wanted(at)) return at;
    if (at instanceof AggregateError && at.errors[0] instanceof Error && wanted(at.errors[0])) return at.errors[0];
  }
  return undefined;
}
