/** Names that several rooms share of what the scorer writes. */
export const DETECTOR = 'autoencoder';
/** What shards tell each other: the evidence against a service in bits, and how many services are anomalous. */
export const EVIDENCE_SERIES = 'anomaly_root_cause_evidence';
export const INCIDENT_SERIES = 'anomaly_incident_services';
/** 1 while an announced maintenance of a service lasts: alerts leave it out. */
export const MAINTENANCE_SERIES = 'anomaly_maintenance';
