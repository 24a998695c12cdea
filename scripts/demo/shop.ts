import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { UsageError } from '../../daemon/flags.ts';

interface Shop {
  readonly services: Readonly<Record<string, object>>;
}

/** What `lorikeet-sim up` runs, and which part of it breaks. */
export interface BreakableShop {
  /** Flags of `lorikeet-sim up`. */
  readonly flags: readonly string[];
  /** The replica that breaks; the service, if it has no others. */
  readonly broken: string;
}

/**
 * The bundled shop, with so many replicas of one service; a topology of its own goes to the folder.
 *
 * @param bundled path of the bundled topology
 * @throws UsageError if it has no such service
 */
export function breakableShop(bundled: string, folder: string, service: string, replicas = 1): BreakableShop {
  const shop = load(readFileSync(bundled, 'utf8')) as Shop;
  const { [service]: spec } = shop.services;
  if (spec === undefined) {
    throw new UsageError(`--service: expected one of ${Object.keys(shop.services).join(', ')}, got "${service}"`);
  }
  if (replicas === 1) return { flags: [], broken: service };
  const path = join(folder, 'topology.yaml');
  writeFileSync(path, dump({ ...shop, services: { ...shop.services, [service]: { ...spec, replicas } } }));
  return { flags: [`--topology=${path}`], broken: `${service}-${replicas - 1}` };
}
