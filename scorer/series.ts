/** Value of the `detector` label on scores. */
export const DETECTOR = 'autoencoder';
/** Evidence against a service, bits; shards exchange it through Prometheus. */
export const EVIDENCE_SERIES = 'anomaly_root_cause_evidence';
/** Anomalous services of a shard; shards exchange it through Prometheus. */
export const INCIDENT_SERIES = 'anomaly_incident_services';
/** 1 while a service is in maintenance: alerts leave it out. */
export const MAINTENANCE_SERIES = 'anomaly_maintenance';
