export interface Target {
  readonly namespace: string;
  readonly service: string;
  /** Below the cgroup2 mount. */
  readonly cgroup: string;
  readonly addresses: readonly string[];
}

/** The text of a targets file for `lorikeet-exporter --targets.file`. Values are JSON, which is valid YAML. */
export function renderTargets(targets: readonly Target[]): string {
  const entries = targets.map(({ namespace, service, cgroup, addresses }) =>
    [
      `  - namespace: ${JSON.stringify(namespace)}`,
      `    service: ${JSON.stringify(service)}`,
      `    cgroup: ${JSON.stringify(cgroup)}`,
      `    addresses: ${JSON.stringify(addresses)}`,
    ].join('\n'),
  );
  return `targets:\n${entries.join('\n')}\n`;
}
