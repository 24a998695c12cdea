import { formatDuration } from '../../../daemon/config-file.ts';
import { MAX_CLOCK_SKEW_MS } from '../../timing/clock-skew.ts';
import { type Check, error, type Finding, loggedByCycles, ok, warning } from '../check.ts';

/** Smaller differences are the time of the request, and harmless. */
const MIN_SKEW_MS = 2000;

/** The clock of this machine against Prometheus': the scorer asks for steps by its own clock. */
export const clock: Check = {
  name: 'clock',
  about: "this machine's clock and that of Prometheus agree",
  queries: true,
  async run(system) {
    const skewMs = await system.clockSkewMs();
    if (skewMs === undefined) return [ok('the server does not tell its time')];
    const size = Math.abs(skewMs);
    const by = formatDuration(Math.round(size / 1000) * 1000);
    if (size < MIN_SKEW_MS) return [ok('differs by less than 2s from that of Prometheus')];
    const logged = (finding: Finding) => (size > MAX_CLOCK_SKEW_MS ? loggedByCycles(finding) : finding);
    const remedy = 'synchronise both clocks, with chrony or systemd-timesyncd';
    if (skewMs > 0) {
      return [logged(warning(`this machine's clock is ${by} behind that of Prometheus: scores are late`, remedy))];
    }
    const message = `this machine's clock is ${by} ahead of that of Prometheus`;
    return [
      logged(
        size >= system.delayMs
          ? error(`${message}: the scorer asks for values that do not exist yet`, remedy)
          : warning(message, remedy),
      ),
    ];
  },
};
