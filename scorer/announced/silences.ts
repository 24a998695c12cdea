import { z } from 'zod';
import { createHttpClient, type HttpClient, HttpError } from '../../daemon/http-client/client.ts';
import { parseReceivedJson } from '../../daemon/received/json.ts';
import type { AlertmanagerSettings } from '../endpoints.ts';
import type { Identity } from '../identity/identity.ts';
import type { ServiceName } from '../identity/service-key.ts';
import type { SteppedSpan } from './expressions.ts';
import { Announced, AnnouncedHistory, type Applies } from './scopes.ts';

/** Labels of the alerts that say which alert it is, not of which service. */
const LABELS_OF_ALERTS: ReadonlySet<string> = new Set(['alertname', 'severity', 'detector']);
/** Many thousand silences. */
const MAX_BYTES = 32 * 1024 * 1024;

const matcherSchema = z.object({
  name: z.string(),
  value: z.string(),
  isRegex: z.boolean(),
  // Alertmanager 0.21 and older has no negative matchers.
  isEqual: z.boolean().default(true),
});
const silencesSchema = z.array(
  z.object({
    id: z.string(),
    status: z.object({ state: z.enum(['active', 'pending', 'expired']) }),
    matchers: z.array(matcherSchema),
    startsAt: z.iso.datetime({ offset: true }),
    endsAt: z.iso.datetime({ offset: true }),
  }),
);
type Matcher = z.output<typeof matcherSchema>;

/** A silence that says that what its services do is expected. Times in milliseconds since the epoch. */
export interface Silence {
  readonly id: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly applies: Applies;
}

/** The silences at one time. */
export interface Silences {
  /** Those with the label, expired ones as long as Alertmanager keeps them (`--data.retention`, by default 120h). */
  readonly expected: readonly Silence[];
  /** Active ones with the label that cannot be used, with the reason. */
  readonly unusable: readonly { readonly id: string; readonly reason: string }[];
}

export interface SilencesClientOptions {
  readonly settings: AlertmanagerSettings;
  readonly identity: Identity;
  /** Labels of the services' alerts beside those of the identity. */
  readonly external: Readonly<Record<string, string>>;
}

/** Reads the silences of an Alertmanager (API v2) which have a matcher for the configured label. */
export class SilencesClient {
  readonly #options: SilencesClientOptions;
  readonly #http: HttpClient;

  constructor(options: SilencesClientOptions) {
    this.#options = options;
    this.#http = createHttpClient(options.settings, { timeoutMs: options.settings.timeout, maxBytes: MAX_BYTES });
  }

  /** @throws HttpError if Alertmanager does not answer, or with anything but a list of silences */
  async fetch(limits: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}): Promise<Silences> {
    const { settings } = this.#options;
    const url = `${settings.url.replace(/\/+$/, '')}/api/v2/silences`;
    const { status, body } = await this.#http.request({ method: 'GET', url, ...limits });
    if (status !== 200) throw new HttpError('PROTOCOL', `status ${status} instead of a list of silences`);
    const parsed = silencesSchema.safeParse(parseJson(body));
    if (!parsed.success) throw new HttpError('PROTOCOL', 'the response is not a list of silences of the API v2');
    const expected: Silence[] = [];
    const unusable: { id: string; reason: string }[] = [];
    for (const { id, status: of, matchers, startsAt, endsAt } of parsed.data) {
      if (of.state === 'pending' || !matchers.some(({ name }) => name === settings.silence_label)) continue;
      const applies = this.#appliesTo(matchers);
      if (typeof applies !== 'string')
        expected.push({ id, fromMs: Date.parse(startsAt), toMs: Date.parse(endsAt), applies });
      else if (of.state === 'active') unusable.push({ id, reason: applies });
    }
    return { expected, unusable };
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  /** @returns the reason if the matchers cannot be applied to services */
  #appliesTo(matchers: readonly Matcher[]): Applies | string {
    const { settings, identity, external } = this.#options;
    const ofServices = new Set([...identity.labels, 'namespace', 'service']);
    const tests: Applies[] = [];
    for (const matcher of matchers) {
      const { name } = matcher;
      if (name === settings.silence_label || LABELS_OF_ALERTS.has(name)) continue;
      if (!ofServices.has(name) && external[name] === undefined) return `services have no label ${name}`;
      const holds = valueTest(matcher);
      if (holds === undefined) return `${name}=~"${matcher.value}" is not a regular expression that JavaScript knows`;
      tests.push((service: ServiceName) => holds(service[name] ?? external[name] ?? ''));
    }
    return (service) => tests.every((test) => test(service));
  }
}

/** Silences that are active at a time. */
export function announcedNow({ expected }: Silences, timeMs: number): Announced {
  return new Announced(
    expected.filter(({ fromMs, toMs }) => fromMs <= timeMs && timeMs < toMs).map(({ applies }) => applies),
  );
}

/** Adds the steps of a span at which silences were active. */
export function addSilences(history: AnnouncedHistory, { expected }: Silences, span: SteppedSpan): void {
  const { intervalMs } = span;
  for (const { fromMs, toMs, applies } of expected) {
    const first = Math.ceil(Math.max(fromMs, span.fromMs) / intervalMs);
    const end = Math.min(toMs, span.toMs + 1) / intervalMs;
    const steps = Array.from({ length: Math.max(0, Math.ceil(end) - first) }, (_, index) => first + index);
    history.add(applies, steps);
  }
}

/** Alertmanager's regular expressions match whole values. */
function valueTest({ value, isRegex, isEqual }: Matcher): ((actual: string) => boolean) | undefined {
  if (!isRegex) return (actual) => (actual === value) === isEqual;
  try {
    const expression = new RegExp(`^(?:${value})$`, 's');
    return (actual) => expression.test(actual) === isEqual;
  } catch {
    return undefined;
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return parseReceivedJson(body);
  } catch {
    return undefined;
  }
}
