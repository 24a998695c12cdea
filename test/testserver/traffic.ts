import { CHANNELS, SERVICE_SERIES } from '../../scorer/features/features.ts';
import type { Sample } from '../../scorer/output/remote-write/sample.ts';

/** Acts as the recording rules: the current features of services, with a little noise. */
export class FeatureTraffic {
  readonly services: Set<string>;
  /** `service/feature` -> factor for its normal value. */
  readonly factor = new Map<string, number>();
  readonly #normal: Readonly<Record<string, number>>;
  #seed = 1;

  /** @param normal feature -> normal value */
  constructor(services: Iterable<string>, normal: Readonly<Record<string, number>>) {
    this.services = new Set(services);
    this.#normal = normal;
  }

  samples(): Sample[] {
    const timestampMs = Date.now();
    return [...this.services].flatMap((service) =>
      Object.entries(this.#normal).flatMap(([feature, normal]) => {
        const value = (this.factor.get(`${service}/${feature}`) ?? 1) * normal;
        return CHANNELS.map((channel) => ({
          name: SERVICE_SERIES,
          labels: { namespace: 'shop', service, feature, channel },
          value: value * this.#noise(),
          timestampMs,
        }));
      }),
    );
  }

  #noise(): number {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647;
    return 0.9 + (0.2 * this.#seed) / 2_147_483_647;
  }
}
