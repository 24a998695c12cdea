import { createHttpClient, HttpError, type HttpResponse } from '../../../daemon/http-client/client.ts';
import { describeError } from '../../../daemon/logger.ts';
import { redactUrl } from '../../../daemon/secrets/redact.ts';
import { type RemoteWriteTarget, targetKeys, writeVersionOf } from '../../endpoints.ts';
import { encodeFor, headersFor, type WriteVersion } from '../../output/remote-write/message.ts';
import { type Check, error, type Finding, ok, warning } from '../check.ts';
import { statusRemedy, unreachableRemedy } from '../remedies.ts';

const OR_METRICS = 'or set output: metrics and remove remote_write';

interface Place {
  readonly target: RemoteWriteTarget;
  /** Of the target in the configuration. */
  readonly key: string;
}

/** The remote-write receivers. The request is valid and has no series: nothing is stored. */
export const receiver: Check = {
  name: 'receiver',
  about: 'each remote-write receiver accepts a request without series, so nothing is written',
  queries: false,
  async run({ config, timeoutMs, signal }) {
    if (config.output !== 'remote_write') return [ok('not needed: scores are on /metrics (output: metrics)')];
    const targets = config.remote_write ?? [];
    const keys = targetKeys(targets);
    return await Promise.all(
      targets.map((target, at) => findingOf({ target, key: keys[at] ?? '' }, timeoutMs, signal)),
    );
  },
};

async function findingOf({ target, key }: Place, timeoutMs: number, signal: AbortSignal | undefined): Promise<Finding> {
  const version = writeVersionOf(target);
  const http = createHttpClient(target, { timeoutMs });
  const send = (of: WriteVersion) =>
    http.request({
      method: 'POST',
      url: target.url,
      headers: headersFor(of),
      body: encodeFor(of, []),
      maxBytes: 1024 * 1024,
      ...(signal !== undefined && { signal }),
    });
  try {
    const response = await send(version ?? '1.0');
    // Most receivers of 2.0 accept 1.0 too; one that does not says so.
    const accepted = response.status === 415 && version === undefined ? await send('2.0') : response;
    return judge(accepted, redactUrl(target.url), key);
  } catch (failure) {
    if (!(failure instanceof HttpError)) throw failure;
    return error(`${redactUrl(target.url)}: ${describeError(failure)}`, unreachableRemedy(failure, key));
  } finally {
    await http.close();
  }
}

function judge({ status, headers, body }: HttpResponse, url: string, key: string): Finding {
  const text = body.toString('utf8', 0, 200).trim();
  const refused = `${url} refuses remote write: status ${status}${text === '' ? '' : `, ${firstLine(text)}`}`;
  const isPage = (headers['content-type'] ?? '').includes('text/html');
  if (status >= 200 && status < 300) {
    if (!isPage) return ok(`${url} accepts remote write`);
    // Prometheus redirects / to its pages, which answer any request.
    return error(`${url} is a web page, not a receiver`, `append /api/v1/write to ${key}.url`);
  }
  if (/remote write receiver needs to be enabled/i.test(text)) {
    return error(
      `the remote-write receiver of ${url} is off`,
      `start Prometheus with --web.enable-remote-write-receiver, ${OR_METRICS}`,
    );
  }
  if (status === 404 || status === 405) {
    return error(refused, `correct the path in ${key}.url (Prometheus: /api/v1/write), ${OR_METRICS}`);
  }
  // An endpoint of Prometheus' API that is no receiver answers in JSON.
  if (status === 400 && text.startsWith('{')) return error(refused, `correct the path in ${key}.url`);
  if (status === 400) return warning(refused, 'if scores are missing, see the log of the receiver');
  return error(refused, statusRemedy(status, key));
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}
