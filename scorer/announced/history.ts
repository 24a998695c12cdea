import { HttpError } from '../../daemon/http-client/client.ts';
import type { ScorerConfig } from '../config.ts';
import type { PrometheusClient } from '../prometheus/client.ts';
import { announcedBetween, type SteppedSpan } from './expressions.ts';
import type { AnnouncedHistory } from './scopes.ts';
import { addSilences, SilencesClient } from './silences.ts';

/** What was announced in a span of time. */
export interface PastAnnouncements {
  readonly maintenance: AnnouncedHistory;
  readonly expected: AnnouncedHistory;
}

/** Where announcements are read from. */
export interface AnnouncementSource {
  readonly client: PrometheusClient;
  readonly config: Pick<ScorerConfig, 'interval' | 'maintenance' | 'expected' | 'identity' | 'external_labels'>;
  readonly signal?: AbortSignal;
}

/**
 * Fetches what was announced in a span. An Alertmanager that does not answer has no silences: what they would have
 * announced is unusual time, as without them.
 *
 * @throws PrometheusError
 */
export async function fetchAnnouncements(
  source: AnnouncementSource,
  { fromMs, toMs }: Pick<SteppedSpan, 'fromMs' | 'toMs'>,
): Promise<PastAnnouncements> {
  const { client, config } = source;
  const span = { fromMs, toMs, intervalMs: config.interval };
  const past = {
    maintenance: await announcedBetween(client, config.maintenance, span, config.identity),
    expected: await announcedBetween(client, config.expected.expressions, span, config.identity),
  };
  await addPastSilences(past.expected, source, span);
  return past;
}

async function addPastSilences(
  history: AnnouncedHistory,
  { config, signal }: AnnouncementSource,
  span: SteppedSpan,
): Promise<void> {
  const settings = config.expected.alertmanager;
  if (settings === undefined) return;
  const silences = new SilencesClient({ settings, identity: config.identity, external: config.external_labels });
  try {
    addSilences(history, await silences.fetch(signal && { signal }), span);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
  } finally {
    await silences.close();
  }
}
