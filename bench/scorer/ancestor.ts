import { Agent, request } from 'undici';
import { CHANNELS, SERVICE_SERIES, type FeatureSet } from '../../scorer/features/features.ts';
import type { ServiceName } from '../../scorer/identity/service-key.ts';

/** The ancestor's number of queries per service and cycle: one instant query for each metric, window and step. */
export const QUERIES_A_SERVICE = 270;

const agent = new Agent();

/**
 * Fetches the same values like the ancestor: an instant query for each value of a service's tensor, one after another.
 *
 * @returns milliseconds
 */
export async function askAsAncestor(
  url: string,
  set: FeatureSet,
  services: readonly ServiceName[],
  { step, intervalMs }: { readonly step: number; readonly intervalMs: number },
): Promise<number> {
  const started = performance.now();
  const values = set.features.length * CHANNELS.length;
  for (const { namespace, service } of services) {
    for (let query = 0; query < QUERIES_A_SERVICE; query++) {
      const feature = set.features[query % set.features.length]?.name ?? '';
      const channel = CHANNELS[Math.floor(query / set.features.length) % CHANNELS.length] ?? '';
      const selector = `${SERVICE_SERIES}{namespace="${namespace}",service="${service}",feature="${feature}",channel="${channel}"}`;
      const seconds = ((step - Math.floor(query / values)) * intervalMs) / 1000;
      await instantQuery(`${url}/api/v1/query?query=${encodeURIComponent(selector)}&time=${seconds}`);
    }
  }
  return performance.now() - started;
}

async function instantQuery(url: string): Promise<void> {
  const { statusCode, body } = await request(url, { dispatcher: agent });
  const answer = (await body.json()) as { readonly data?: { readonly result?: readonly unknown[] } };
  if (statusCode !== 200 || answer.data?.result?.length !== 1) throw new Error(`no result for ${url}`);
}
