import { formatDuration } from '../../daemon/config-file.ts';
import { type FeatureSet, oneLine, SERVICE_SERIES } from './features.ts';
import { ONSET_SERIES } from './graph-rules.ts';
import { dividedBy } from './labelled-expression.ts';
import type { RecordingRule } from './rule.ts';

/** What may be changed about a service, as it is: {namespace, service, change, version}. */
export const STATE_SERIES = 'service:lorikeet_change:state';
/** Time since which it is so, Unix seconds, for what was changed lately or before the present incident. */
export const CHANGE_SERIES = 'service:lorikeet_change:timestamp_seconds';
/** How well a change fits the present incident, 0..1: {namespace, service, change, version}. */
export const CHANGE_SCORE_SERIES = 'anomaly_change_score';

/** What is older than this before an incident has nothing to do with it. */
const LATELY_MS = 30 * 60_000;
/** A series is continued over a pause of this length. */
const PAUSE_MS = 5 * 60_000;
/** A change is seen up to this long after its effects: rules and scrapes have intervals of their own. */
const SEEN_LATE_SECONDS = 60;

const KEY = 'namespace, service, change, version';
const BLAME = 'max by (namespace, service) (anomaly_root_cause_score)';

/**
 * Rules that record what was changed about the services, and how well each change fits the present incident: the share of the
 * blame that its service has, less the later the incident began, none half an hour after the change. Each uses the one before,
 * so they must be in one group.
 *
 * @returns none if the features tell of no changes
 */
export function changeRules({ versions, changes }: FeatureSet, labels: readonly string[] = []): RecordingRule[] {
  const states = [
    ...(versions === undefined ? [] : [versionsOfServices(oneLine(versions))]),
    ...(changes === undefined ? [] : [`group by (${KEY}) (${oneLine(changes)})`]),
  ];
  if (states.length === 0) return [];
  const rules: RecordingRule[] = [
    {
      record: STATE_SERIES,
      expr: `(${states.join(' or ')}) and on (namespace, service) group by (namespace, service) (${SERVICE_SERIES})`,
    },
    { record: CHANGE_SERIES, expr: changed() },
    { record: CHANGE_SCORE_SERIES, expr: fits() },
  ];
  return rules.map(({ record, expr }) => ({ record, expr: dividedBy(expr, labels) }));
}

function versionsOfServices(versions: string): string {
  const services = 'group by (namespace, service, pod) (lorikeet_target_info)';
  const running = `group by (namespace, service, version) ((${versions}) * on (namespace, pod) group_left (service) ${services})`;
  return `label_replace(${running}, "change", "version", "", "")`;
}

/** A service of which nothing is known from before isn't changed, but new. */
function changed(): string {
  const before = `${STATE_SERIES} offset ${formatDuration(LATELY_MS)}`;
  const lately = `(${STATE_SERIES} unless ${before} and on (namespace, service, change) ${before})`;
  const suspected = `(${STATE_SERIES} and on (namespace, service) anomaly_root_cause_score)`;
  const known = `last_over_time(${CHANGE_SERIES}[${formatDuration(PAUSE_MS)}])`;
  return `(${known} or timestamp(${STATE_SERIES})) and ${lately} or ${known} and ${suspected}`;
}

function fits(): string {
  // A service may be the cause though its own signals are as usual: then its callers' count.
  const onset = `(${ONSET_SERIES} or on (namespace, service) (0 * ${BLAME} + on () group_left () min(${ONSET_SERIES})))`;
  const ahead = `(${onset} - on (namespace, service) group_right () ${CHANGE_SERIES})`;
  const fit = `(1 - clamp_min(${ahead} >= -${SEEN_LATE_SECONDS}, 0) / ${LATELY_MS / 1000})`;
  return `${fit} * on (namespace, service) group_left () ${BLAME} > 0`;
}
