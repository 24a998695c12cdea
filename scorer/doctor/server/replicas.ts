import { createHttpClient } from '../../../daemon/http-client/client.ts';
import { StatusApi } from '../../prometheus/status-api.ts';
import { type Check, ok, warning } from '../check.ts';

/** Connections to open: a load balancer between two servers chooses the same for all with a probability of 1/8. */
const CONNECTIONS = 4;

/** Several servers behind `prometheus.url`, such as an HA pair: what is written there reaches only one of them. */
export const replicas: Check = {
  name: 'replicas',
  about: 'one server, not a pair with separate storage, answers at `prometheus.url`',
  queries: true,
  async run({ config, timeoutMs, signal }) {
    const starts = await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        const http = createHttpClient(config.prometheus, { timeoutMs });
        try {
          const api = new StatusApi({ url: config.prometheus.url, http, timeoutMs, signal });
          return (await api.runtimeInfo())?.startTime;
        } finally {
          await http.close();
        }
      }),
    );
    const servers = new Set(starts.filter((start) => start !== undefined)).size;
    if (servers === 0) return [ok('the server does not tell when it started')];
    if (servers === 1 || config.output === 'metrics') {
      return [ok(servers === 1 ? 'one server answers' : `${servers} servers answer, and scrape the scores`)];
    }
    const targets = config.remote_write?.length ?? 0;
    if (targets >= servers) return [ok(`${servers} servers answer, and scores are written to ${targets} targets`)];
    return [
      warning(
        `${servers} servers answer at one address: remote write reaches only one of them`,
        'list each of them in remote_write, or set output: metrics, so that each scrapes the scores',
      ),
    ];
  },
};
