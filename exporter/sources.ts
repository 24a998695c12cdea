import { ConfigError } from '../daemon/config-file.ts';
import type { StopStack } from '../daemon/lifecycle.ts';
import type { Logger } from '../daemon/logger.ts';
import { VERSION } from '../daemon/version.ts';
import type { Config } from './config.ts';
import { inCluster, type Credentials } from './identity/kubernetes/api/credentials.ts';
import { type KubernetesOptions, KubernetesSource } from './identity/kubernetes/kubernetes-source.ts';
import { SystemdUnits } from './identity/systemd/systemd-units.ts';
import { TargetsFile } from './identity/targets-file.ts';

export interface SourceContext {
  readonly logger: Logger;
  readonly stops: StopStack;
}

/** The targets file, if configured. @throws ConfigError */
export function openTargets(config: Config, { logger, stops }: SourceContext): TargetsFile | undefined {
  if (config.targetsFile === undefined) {
    if (config.kubernetes === undefined && config.systemd === undefined)
      logger.warn(
        'no targets: all sockets are unattributed without --targets.file, --targets.systemd or --kubernetes.in-cluster',
      );
    return undefined;
  }
  const file = new TargetsFile(config.targetsFile, logger, { cgroupfs: config.cgroupfs });
  stops.onStop('targets file', () => file.close());
  logger.info('targets loaded', { file: config.targetsFile, targets: file.targets.length });
  return file;
}

interface SystemdContext {
  readonly logger: Logger;
  readonly cgroupfs: string;
  /** Its targets keep their cgroups. */
  readonly file: TargetsFile | undefined;
}

/** The services of systemd, if configured. */
export function openSystemd({ systemd }: Config, { logger, cgroupfs, file }: SystemdContext): SystemdUnits | undefined {
  if (systemd === undefined) return undefined;
  const units = new SystemdUnits({
    ...systemd,
    cgroupfs,
    logger,
    now: () => performance.now(),
    ...(file !== undefined && { claimed: () => file.targets }),
  });
  logger.info('systemd units found', { targets: units.targets.length });
  return units;
}

/** The Kubernetes source, if configured; not started yet. @throws ConfigError */
export async function openKubernetes(
  { kubernetes }: Config,
  { logger, stops, cgroupfs, onReady }: SourceContext & Pick<KubernetesOptions, 'cgroupfs' | 'onReady'>,
): Promise<KubernetesSource | undefined> {
  if (kubernetes === undefined) return undefined;
  const credentials = await openCredentials(kubernetes.kubeconfig);
  const userAgent = `lorikeet-exporter/${VERSION}`;
  const source = new KubernetesSource({ ...kubernetes, credentials, cgroupfs, userAgent, logger, onReady });
  stops.onStop('Kubernetes API', () => source.close());
  return source;
}

async function openCredentials(kubeconfig: string | undefined): Promise<Credentials> {
  if (kubeconfig === undefined) return inCluster(process.env);
  const { fromKubeconfig } = await import('./identity/kubernetes/api/kubeconfig.ts');
  try {
    return fromKubeconfig(kubeconfig);
  } catch (error) {
    throw new ConfigError(`${kubeconfig}: invalid kubeconfig`, { cause: error });
  }
}
