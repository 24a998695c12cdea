import { describe } from 'vitest';
import { currentRelease, INSTALLED_RELEASE, type PrometheusRelease } from '../testserver/prometheus-releases.ts';
import { describeWith } from './describe-with.ts';
import { CURRENT_PROMETHEUS } from './needs.ts';

/** `describe` for tests that run on the installed Prometheus, and on the current one if it was built. */
export function describeReleases(tests: (release: PrometheusRelease) => void): void {
  describe('with the installed Prometheus', () => tests(INSTALLED_RELEASE));
  describeWith([CURRENT_PROMETHEUS], 'with the current Prometheus', () => tests(currentRelease()));
}
