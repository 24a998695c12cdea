/** Value of the `detector` label on scores. */
export const DETECTOR = 'autoencoder';
/** What the score would be without tolerance, while it differs. */
export const UNTOLERATED_SERIES = 'anomaly_score_untolerated';
/** How much a feature has changed for good. */
export const LEVEL_SHIFT_SERIES = 'anomaly_level_shift';
/** Value of the `detector` label on the scores of services that are gone, whatever detectors are in use. */
export const GONE = 'gone';
/** Score of the edge from a caller to a callee. */
export const EDGE_SCORE_SERIES = 'anomaly_edge_score';
/** Unix time of the first and the last anomalous window of an anomaly that is reported. */
export const INTERVAL_START_SERIES = 'anomaly_interval_start_timestamp_seconds';
export const INTERVAL_END_SERIES = 'anomaly_interval_end_timestamp_seconds';
/** How unlike the oldest version of its service a version behaves. */
export const VERSION_SCORE_SERIES = 'anomaly_version_score';
/** Share of a service's traces in which an event was unexpected, with what was expected as labels. */
export const UNEXPECTED_EVENT_SERIES = 'anomaly_unexpected_event';
/** The shape of an anomaly, as a label; always 1. */
export const PATTERN_SERIES = 'anomaly_pattern';
/** Evidence that trouble came from a callee to its caller, bits; only in an incident. */
export const PROPAGATION_SERIES = 'anomaly_propagation_edge';
/** Evidence against a service, bits; shards exchange it through Prometheus. */
export const EVIDENCE_SERIES = 'anomaly_root_cause_evidence';
/** Anomalous services of a shard; shards exchange it through Prometheus. */
export const INCIDENT_SERIES = 'anomaly_incident_services';
/** 1 while a service is in maintenance: alerts leave it out. */
export const MAINTENANCE_SERIES = 'anomaly_maintenance';
/** 1 while what a service does is announced as expected: alerts leave it out, and it is learned. */
export const EXPECTED_SERIES = 'anomaly_expected';
