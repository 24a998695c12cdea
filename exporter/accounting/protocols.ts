/** `enum protocol` of bpf/shared/protocols.h, as values of the label `protocol`. */
export const PROTOCOLS = [
  'unseen',
  'unknown',
  'http1',
  'http2',
  'tls',
  'tls_http2',
  'redis',
  'memcached',
  'postgresql',
  'mysql',
  'mongodb',
  'mail',
  'amqp',
  'mqtt',
  'nats',
  'stomp',
  'kafka',
  'cassandra',
  'websocket',
  'ssh',
  'syslog',
  'xmpp',
  'messages',
] as const;

/** The label of a number; `unknown` for one that this version does not have. */
export function protocolName(number: number): string {
  return PROTOCOLS[number] ?? 'unknown';
}
