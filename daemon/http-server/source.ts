/**
 * Whom an address belongs to, for fairness between clients: an IPv4 address, or the first 64 bits of an IPv6 address,
 * which every host can vary the rest of. Empty for a connection that has ended.
 *
 * @example sourceOf('::ffff:10.0.0.7') // '10.0.0.7'
 * @example sourceOf('2001:db8::17') // '2001:db8:0:0'
 */
export function sourceOf(address: string | undefined): string {
  if (address === undefined) return '';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [before = '', after] = address.split('%', 1)[0]?.toLowerCase().split('::') ?? [];
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const groups =
    after === undefined ? head : [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return groups.slice(0, 4).join(':');
}
