import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cgroupMount } from '../../daemon/cgroup-mount.ts';
import { missingPrograms } from '../../scripts/cluster/programs/programs.ts';
import { findKubernetesProgram } from '../../scripts/generate/helm.ts';
import { hasSchemas } from '../kubernetes/schema.ts';
import { kubernetesAssets } from '../testserver/kubernetes-assets.ts';
import { numpyInterpreter } from '../testserver/numpy.ts';
import { otelCollector } from '../testserver/otel-collector.ts';
import { hasCurrentRelease } from '../testserver/prometheus-releases.ts';
import { hasVictoriaMetrics, hasVmalert } from '../testserver/victoria-metrics.ts';

/** A requirement of a test that a machine may lack. */
export interface Need {
  /** The reason of the skip: what is missing, and how to get it. */
  readonly lack: string;
  isMissing(): boolean;
}

export const KUBERNETES: Need = {
  lack: 'no etcd, kube-apiserver and kubectl (scripts/build-kubernetes-assets.sh builds them)',
  isMissing: () => kubernetesAssets() === undefined,
};

export const HELM: Need = {
  lack: 'no helm, or no kubectl (scripts/build-kubernetes-assets.sh builds them)',
  isMissing: () => (['helm', 'kubectl'] as const).some((name) => findKubernetesProgram('.', name) === undefined),
};

export const SCHEMAS: Need = {
  lack: 'no schemas of Kubernetes (scripts/fetch-kubernetes-schemas.sh fetches them)',
  isMissing: () => !hasSchemas(),
};

export const VICTORIA_METRICS: Need = {
  lack: 'no VictoriaMetrics (Debian: apt-get install victoria-metrics)',
  isMissing: () => !hasVictoriaMetrics(),
};

export const VMALERT: Need = {
  lack: 'no vmalert (Debian: apt-get install victoria-metrics)',
  isMissing: () => !hasVmalert(),
};

export const CURRENT_PROMETHEUS: Need = {
  lack: 'no current Prometheus and Alertmanager (scripts/build-prometheus.sh builds them)',
  isMissing: () => !hasCurrentRelease(),
};

export const NUMPY: Need = {
  lack: 'no numpy (scripts/fetch-numpy.sh fetches it)',
  isMissing: () => numpyInterpreter() === undefined,
};

export const OTEL_COLLECTOR: Need = {
  lack: 'no OpenTelemetry Collector (scripts/build-otel-collector.sh builds it)',
  isMissing: () => otelCollector() === undefined,
};

export const DEBOOTSTRAP: Need = {
  lack: 'no debootstrap, dpkg-deb and lintian (Debian: apt-get install debootstrap lintian), or not root',
  isMissing: () =>
    process.getuid?.() !== 0 ||
    ['debootstrap', 'dpkg-deb', 'lintian'].some((name) => spawnSync(name, ['--version']).error !== undefined),
};

export const NSPAWN: Need = {
  lack: 'no systemd-nspawn (Debian: apt-get install systemd-container), or no cgroups of version 2',
  isMissing: () => spawnSync('systemd-nspawn', ['--version']).error !== undefined || cgroupMount() === undefined,
};

export const RELEASE: Need = {
  lack: 'no files of a release (npm run package makes them)',
  isMissing: () => !existsSync('build/package/SHA256SUMS'),
};

export const BUILDAH: Need = {
  lack: 'no buildah, podman and runc (Debian: apt-get install buildah podman runc)',
  isMissing: () => ['buildah', 'podman', 'runc'].some((name) => spawnSync(name, ['--version']).error !== undefined),
};

export const CLUSTER: Need = {
  lack: 'no root, or a part of a cluster is missing (scripts/cluster/set-up.sh installs containerd and others, and builds the rest with Go)',
  isMissing: () => missingPrograms().length > 0,
};
