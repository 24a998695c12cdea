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
  'exchanges',
  'messages',
] as const;

/** The label of a number; `unknown` for one that this version does not have. */
export function protocolName(number: number): string {
  return PROTOCOLS[number] ?? 'unknown';
}

/** The protocols that a user can declare for a port, by number. */
const DECLARABLE: readonly string[] = PROTOCOLS.slice(PROTOCOLS.indexOf('http1'));

/** The number of a protocol that a user can declare; undefined for any other name. */
export function protocolNumber(name: string): number | undefined {
  return DECLARABLE.includes(name) ? (PROTOCOLS as readonly string[]).indexOf(name) : undefined;
}

/** For messages. */
export const EXPECTED_PROTOCOL = `one of ${DECLARABLE.join(', ')}`;

/** The number of a port; undefined if the text is none. */
export function portNumber(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}
