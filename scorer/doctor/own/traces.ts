import { createHttpClient, httpClientSchema } from '../../../daemon/http-client/client.ts';
import { listen, ListenError, parseListenAddress } from '../../../daemon/http-server/web-app.ts';
import { TRACES_PATH } from '../../traces/otlp/endpoint.ts';
import { type Check, error, ok, warning } from '../check.ts';

/** The address that spans are received on. `run` would not start. */
export const traces: Check = {
  name: 'traces',
  about: 'the address `traces.listen_address` is free, or the running scorer has it',
  queries: false,
  beforeStart: true,
  async run({ config, timeoutMs }) {
    if (config.traces === undefined) return [ok('not received')];
    const { listen_address: address } = config.traces;
    try {
      const listener = await listen((_request, response) => response.end(), address);
      await listener.close();
      return [ok(`${address} is free`)];
    } catch (failure) {
      if (!(failure instanceof ListenError)) throw failure;
      if (!failure.message.includes('in use')) {
        return [error(failure.message, 'correct traces.listen_address, or let this user listen there')];
      }
      if (await isScorer(address, timeoutMs)) return [ok(`the running scorer listens on ${address}`)];
      return [
        warning(
          `${address} is in use, by another program or by a scorer with a password`,
          'stop the other program, such as a collector on this machine, or change traces.listen_address',
        ),
      ];
    }
  },
};

/** True if a scorer receives traces there: its text for other methods than POST. */
async function isScorer(address: string, timeoutMs: number): Promise<boolean> {
  const { host, port } = parseListenAddress(address);
  const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs });
  try {
    const at = host === undefined ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
    const { status, body } = await http.request({ method: 'GET', url: `http://${at}:${port}${TRACES_PATH}` });
    return status === 405 && body.toString().startsWith('Only POST requests');
  } catch {
    return false;
  } finally {
    await http.close();
  }
}
