/** A request to the API server, without bodies. */
export interface AuditEvent {
  /** As in RBAC: get, list, watch, create, update, patch, delete, deletecollection. */
  readonly verb: string;
  /** For example `system:serviceaccount:monitoring:exporter`. */
  readonly user: string;
  readonly userAgent: string;
  readonly uri: string;
  /** Undefined for paths that are not resources, such as /version. */
  readonly resource: string | undefined;
  readonly subresource: string | undefined;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** The HTTP status. */
  readonly code: number;
}

/** Logs every request after its response, and watches also at their start. */
export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
};

interface LoggedEvent {
  readonly auditID: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly userAgent?: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { resource?: string; subresource?: string; namespace?: string; name?: string };
  readonly responseStatus: { readonly code: number };
}

/** The requests of the server's audit log, in the order in which they were first logged. */
export function parseAuditLog(log: string): readonly AuditEvent[] {
  // The last line may be incomplete.
  const lines = log.split('\n').slice(0, -1);
  const logged = lines.map((line) => JSON.parse(line) as LoggedEvent);
  // A watch that has ended is logged twice.
  return [...new Map(logged.map((event) => [event.auditID, event])).values()].map(auditEvent);
}

function auditEvent({ verb, user, userAgent, requestURI, objectRef, responseStatus }: LoggedEvent): AuditEvent {
  return {
    verb,
    user: user.username,
    userAgent: userAgent ?? '',
    uri: requestURI,
    resource: objectRef?.resource,
    subresource: objectRef?.subresource,
    namespace: objectRef?.namespace,
    name: objectRef?.name,
    code: responseStatus.code,
  };
}
