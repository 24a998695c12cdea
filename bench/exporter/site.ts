import { makeFleet, SERIES_PER_TARGET, type Fleet } from './fleet.ts';
import { Loopback } from './loopback.ts';
import { Workshop } from './workshop.ts';

/** Where a part of the benchmark takes place. */
export interface Site {
  readonly fleet: Fleet;
  readonly loopback: Loopback;
  readonly workshop: Workshop;
}

/** The services and series of the budgets. */
const KNOWN = 2000;
const SERIES = 20_000;

/** Makes a site of 2,000 services and 20,000 series for `work`, and leaves nothing of it. */
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
