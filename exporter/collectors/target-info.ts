import { renderLabels } from '../../daemon/labels.ts';
import { targetLabels } from '../accounting/accounts.ts';
import type { Collector } from '../scrape/collector.ts';
import { series, type Series } from '../scrape/exposition.ts';
import type { Directory } from '../identity/directory.ts';
import type { LocalTarget } from '../identity/local-targets.ts';
import { describeCollector } from './descriptor.ts';

const INFO = 'lorikeet_target_info';

function infoLine(target: LocalTarget): Series {
  const { monitored, workloadKind, node } = target;
  return series(
    INFO,
    targetLabels(target),
    renderLabels({ monitored: String(monitored), workload_kind: workloadKind, node }),
  );
}

/** All instances on this machine, including unmonitored ones. */
export function targetInfoCollector(directory: Directory): Collector {
  const lines = new WeakMap<LocalTarget, Series>();
  return {
    name: 'target_info',
    collect(out) {
      out.family(INFO, 'gauge', 'Instances of services on this machine, monitored or not. Always 1.');
      for (const target of directory.targets) {
        const line = lines.get(target) ?? infoLine(target);
        lines.set(target, line);
        out.sample(line, 1);
      }
    },
  };
}

export const targetInfo = describeCollector({
  name: 'target_info',
  shows: 'the instances on this machine',
  programs: {},
  make: ({ directory }) => targetInfoCollector(directory),
});
