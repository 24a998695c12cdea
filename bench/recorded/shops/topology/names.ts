import type { Kind } from './topology.ts';

/** Names of services by kind; a number follows where a shop has more. */
const NAMES: Readonly<Record<Kind, readonly string[]>> = {
  entry: words('web mobile-api partner-api'),
  job: words('nightly-report hourly-sync'),
  service: [
    'catalog checkout cart search pricing payment shipping account inventory review',
    'recommendation session currency tax coupon wishlist order address media ranking',
    'fraud ledger quote returns loyalty notification stock delivery profile consent',
  ].flatMap(words),
  idle: words('invoice gift-card export audit'),
  queue: words('orders-queue events-queue mail-queue'),
  worker: words('orders-worker events-worker mail-worker'),
  cache: words('catalog-cache session-cache price-cache stock-cache media-cache'),
  database: [
    'catalog-db order-db account-db stock-db payment-db review-db session-db price-db',
    'media-db ledger-db delivery-db',
  ].flatMap(words),
};

function words(text: string): string[] {
  return text.split(' ');
}

/** The name of the service with this index among those of its kind. */
export function nameOf(kind: Kind, index: number): string {
  const names = NAMES[kind];
  const round = Math.floor(index / names.length);
  const name = names[index % names.length]!;
  return round === 0 ? name : `${name}-${round + 1}`;
}

/** The characters of the hashes in the names of a Deployment's pods. */
export const HASH_CHARACTERS = 'bcdfghjklmnpqrstvwxz2456789';
