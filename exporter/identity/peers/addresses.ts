import { isIPv4, isIPv6 } from 'node:net';

/** An address of a target: all ports, or one port (several services on one host's address). */
export interface PeerAddress {
  /** The 16 bytes of the address as a latin1 string, IPv4 mapped into ::ffff:0:0/96: the form of the kernel's keys. */
  readonly bytes: string;
  /** Undefined: every port. */
  readonly port: number | undefined;
  /** Unique key: `bytes`, or `bytes:port`. Made once, because tables of thousands of addresses are often rebuilt. */
  readonly key: string;
}

/** `bytes` are the 16 bytes of the address as a latin1 string. */
export function peerAddress(bytes: string, port?: number): PeerAddress {
  return { bytes, port, key: addressKey(bytes, port) };
}

/** The key of an address, or of one port of it. */
export function addressKey(bytes: string, port: number | undefined): string {
  return port === undefined ? bytes : `${bytes}:${port}`;
}

const MAPPED_PREFIX = '\0'.repeat(10) + '\xff\xff';

/**
 * Parses `10.88.0.5`, `fd00::5`, `::ffff:10.88.0.5`, `10.88.0.5:8080` or `[fd00::5]:8080`; undefined if `text` is
 * invalid.
 */
export function parsePeerAddress(text: string): PeerAddress | undefined {
  const withPort = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const bytes = addressBytes(withPort?.[1] ?? withPort?.[2] ?? text);
  const port = withPort === null ? undefined : Number(withPort[3]);
  if (bytes === undefined || (port !== undefined && (port < 1 || port > 65535))) return undefined;
  return peerAddress(bytes, port);
}

/** The 16 bytes of an IPv4 or IPv6 address as a latin1 string; undefined if `text` is invalid. */
export function addressBytes(text: string): string | undefined {
  if (isIPv4(text)) return MAPPED_PREFIX + String.fromCharCode(...text.split('.').map(Number));
  // A zone is an interface of one machine and has no meaning on others.
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const embedded = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const [head = '', tail] = (embedded === null ? text : withHexTail(embedded)).split('::');
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return String.fromCharCode(...[...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff]));
}

function withHexTail(match: RegExpExecArray): string {
  const [a = 0, b = 0, c = 0, d = 0] = match.slice(2).map(Number);
  return `${match[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => parseInt(group, 16));
}

/** ::1 */
const LOOPBACK_6 = '\0'.repeat(15) + '\x01';

/** True for 127.0.0.0/8 and ::1. */
export function isLoopback(bytes: string): boolean {
  return bytes === LOOPBACK_6 || (bytes.startsWith(MAPPED_PREFIX) && bytes.charCodeAt(12) === 127);
}

/** The text of an address of 16 bytes: dotted for IPv4, as RFC 5952 writes it for IPv6. */
export function addressText(bytes: string): string {
  if (bytes.startsWith(MAPPED_PREFIX)) {
    return Array.from(bytes.slice(12), (character) => character.charCodeAt(0)).join('.');
  }
  const words = Array.from({ length: 8 }, (_, index) =>
    ((bytes.charCodeAt(2 * index) << 8) | bytes.charCodeAt(2 * index + 1)).toString(16),
  );
  // The host serialiser of URL compresses as RFC 5952 requires.
  return new URL(`http://[${words.join(':')}]`).hostname.slice(1, -1);
}
