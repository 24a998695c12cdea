import {
  createHttpClient,
  HttpError,
  type HttpClientSettings,
  type HttpResponse,
} from '../../../daemon/http-client/client.ts';
import { describeError } from '../../../daemon/logger.ts';
import { shownUrl } from '../../prometheus/shown-url.ts';
import { type Check, error, type Finding, ok, warning } from '../check.ts';
import { statusRemedy, unreachableRemedy } from '../remedies.ts';

/** Remote write 1.0, which receivers of 2.0 accept too: a request without series, compressed by snappy. */
const EMPTY_REQUEST = {
  method: 'POST',
  headers: {
    'content-encoding': 'snappy',
    'content-type': 'application/x-protobuf',
    'x-prometheus-remote-write-version': '0.1.0',
  },
  body: Uint8Array.of(0),
} as const;

const OR_METRICS = 'or set output: metrics and remove remote_write';

type WriteTarget = HttpClientSettings & { readonly url: string };

/** The remote-write receiver. The request is valid and has no series: nothing is stored. */
export const receiver: Check = {
  name: 'receiver',
  about: 'the remote-write receiver accepts a request without series, so nothing is written',
  queries: false,
  async run({ config, timeoutMs, signal }) {
    if (config.output !== 'remote_write') return [ok('not needed: scores are on /metrics (output: metrics)')];
    return await Promise.all([config.remote_write ?? []].flat().map((target) => findingOf(target, timeoutMs, signal)));
  },
};

async function findingOf(target: WriteTarget, timeoutMs: number, signal: AbortSignal | undefined): Promise<Finding> {
  const http = createHttpClient(target, { timeoutMs });
  try {
    const response = await http.request({
      ...EMPTY_REQUEST,
      url: target.url,
      maxBytes: 1024 * 1024,
      ...(signal !== undefined && { signal }),
    });
    return judge(response, shownUrl(target.url));
  } catch (failure) {
    if (!(failure instanceof HttpError)) throw failure;
    return error(`${shownUrl(target.url)}: ${describeError(failure)}`, unreachableRemedy(failure, 'remote_write'));
  } finally {
    await http.close();
  }
}

function judge({ status, headers, body }: HttpResponse, url: string): Finding {
  const text = body.toString('utf8', 0, 200).trim();
  const refused = `${url} refuses remote write: status ${status}${text === '' ? '' : `, ${firstLine(text)}`}`;
  const isPage = (headers['content-type'] ?? '').includes('text/html');
  if (status >= 200 && status < 300) {
    if (!isPage) return ok(`${url} accepts remote write`);
    // Prometheus redirects / to its pages, which answer any request.
    return error(`${url} is a web page, not a receiver`, 'append /api/v1/write to remote_write.url');
  }
  if (/remote write receiver needs to be enabled/i.test(text)) {
    return error(
      `the remote-write receiver of ${url} is off`,
      `start Prometheus with --web.enable-remote-write-receiver, ${OR_METRICS}`,
    );
  }
  if (status === 404 || status === 405) {
    return error(refused, `correct the path in remote_write.url (Prometheus: /api/v1/write), ${OR_METRICS}`);
  }
  // An endpoint of Prometheus' API that is no receiver answers in JSON.
  if (status === 400 && text.startsWith('{')) return error(refused, 'correct the path in remote_write.url');
  if (status === 400) return warning(refused, 'if scores are missing, see the log of the receiver');
  return error(refused, statusRemedy(status, 'remote_write'));
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}
