/** A service of the shop at its usual load by day. */
export interface ShopService {
  readonly name: string;
  /** Requests from outside the shop, per second. */
  readonly visitors: number;
  /** Callee -> calls for each request. */
  readonly calls: Readonly<Record<string, number>>;
  /** Time of its own for a request, seconds. */
  readonly seconds: number;
  readonly cpuSecondsPerRequest: number;
  readonly memoryBytes: number;
  readonly sentBytes: number;
}

const MEBIBYTE = 2 ** 20;

function service(
  name: string,
  seconds: number,
  [cpuMs, memoryMiB, sentBytes]: readonly [number, number, number],
  calls: ShopService['calls'] = {},
  visitors = 0,
): ShopService {
  return {
    name,
    visitors,
    calls,
    seconds,
    cpuSecondsPerRequest: cpuMs / 1000,
    memoryBytes: memoryMiB * MEBIBYTE,
    sentBytes,
  };
}

/** Callers before their callees. */
export const SHOP: readonly ShopService[] = [
  service('frontend', 0.012, [4, 180, 9000], { catalog: 0.8, cart: 0.5, checkout: 0.1 }, 60),
  service('checkout', 0.02, [6, 120, 700], { cart: 1, payment: 1, shipping: 0.8 }),
  service('catalog', 0.006, [2, 240, 5200], { 'catalog-db': 1.6 }),
  service('cart', 0.004, [1.5, 90, 900], { 'cart-db': 1.5 }),
  service('payment', 0.06, [3, 70, 260]),
  service('shipping', 0.03, [2, 60, 340]),
  service('catalog-db', 0.002, [0.8, 900, 2100]),
  service('cart-db', 0.001, [0.4, 400, 650]),
];

/** Requests per second on a usual afternoon. */
export const USUAL_RATES: ReadonlyMap<string, number> = usualRates();

function usualRates(): Map<string, number> {
  const rates = new Map<string, number>();
  const add = (name: string, rate: number) => rates.set(name, (rates.get(name) ?? 0) + rate);
  for (const { name, visitors, calls } of SHOP) {
    add(name, visitors);
    for (const [callee, each] of Object.entries(calls)) add(callee, (rates.get(name) ?? 0) * each);
  }
  return rates;
}
