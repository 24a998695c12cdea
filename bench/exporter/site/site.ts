import { makeFleet, SERIES_PER_TARGET, type Fleet } from './fleet.ts';
import { Loopback } from './loopback.ts';
import { Workshop } from './workshop.ts';

/** The environment of a part of the benchmark. */
export interface Site {
  readonly fleet: Fleet;
  readonly loopback: Loopback;
  readonly workshop: Workshop;
}

/** Services and series as in the budgets. */
const KNOWN = 2000;
const SERIES = 20_000;

/** Creates a site of 2,000 services and 20,000 series for `work`, and removes it afterwards. */
export async function atSite<T>(work: (site: Site) => Promise<T>): Promise<T> {
  const workshop = new Workshop();
  try {
    const fleet = makeFleet(KNOWN, Math.ceil(SERIES / SERIES_PER_TARGET));
    try {
      const loopback = Loopback.make();
      try {
        return await work({ fleet, loopback, workshop });
      } finally {
        loopback.remove();
      }
    } finally {
      fleet.remove();
    }
  } finally {
    workshop.remove();
  }
}
