import { join } from 'node:path';
import { CONTROL_PLANE, type Machine } from '../machine/machine.ts';
import type { Programs } from '../programs/programs.ts';
import { CLUSTER_DOMAIN, CONTROL_PLANE_ADDRESS, SERVICES } from './addresses.ts';
import type { Certificates } from './certificates.ts';

export interface ControlPlane {
  /** An administrator's, with all permissions. */
  readonly kubeconfig: string;
  /** Path of a socket at which the API is served without credentials. */
  readonly socket: string;
  /** Starts controllers and scheduler, which end if the API server is not ready. */
  startControllers(): void;
}

const ETCD = 'http://127.0.0.1:2379';
const ETCD_PEERS = 'http://127.0.0.1:2380';

/** Starts etcd and the API server. They are not ready yet. */
export function startControlPlane(machine: Machine, programs: Programs, certificates: Certificates): ControlPlane {
  const start = (program: 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler', args: string[]) =>
    machine.daemon(program, CONTROL_PLANE, [programs[program], ...args]);
  const kubeconfigOf = (name: string) => certificates.kubeconfig(name, { name: `system:${name}` });
  const kubeconfig = certificates.kubeconfig('admin', { name: 'admin', group: 'system:masters' });

  start('etcd', [
    `--data-dir=${join(machine.folder, 'etcd')}`,
    `--listen-client-urls=${ETCD}`,
    `--advertise-client-urls=${ETCD}`,
    `--listen-peer-urls=${ETCD_PEERS}`,
    `--initial-advertise-peer-urls=${ETCD_PEERS}`,
    `--initial-cluster=default=${ETCD_PEERS}`,
    // Nobody needs the data after a crash.
    '--unsafe-no-fsync',
  ]);
  start('kube-apiserver', apiServerFlags(certificates));

  const socket = join(machine.folder, 'api.sock');
  const proxy = [programs.kubectl, `--kubeconfig=${kubeconfig}`, 'proxy', `--unix-socket=${socket}`];
  machine.daemon('kubectl-proxy', CONTROL_PLANE, proxy);
  const startControllers = (): void => {
    start('kube-controller-manager', [
      `--kubeconfig=${kubeconfigOf('kube-controller-manager')}`,
      '--leader-elect=false',
      '--use-service-account-credentials',
      `--service-account-private-key-file=${certificates.tokenKey}`,
      `--root-ca-file=${certificates.authority.cert}`,
    ]);
    start('kube-scheduler', [`--kubeconfig=${kubeconfigOf('kube-scheduler')}`, '--leader-elect=false']);
  };
  return { kubeconfig, socket, startControllers };
}

function apiServerFlags(certificates: Certificates): string[] {
  const server = certificates.sign('kube-apiserver', { name: 'kube-apiserver' });
  const kubeletClient = certificates.sign('kubelet-client', { name: 'kube-apiserver', group: 'system:masters' });
  return [
    `--etcd-servers=${ETCD}`,
    `--advertise-address=${CONTROL_PLANE_ADDRESS}`,
    '--secure-port=6443',
    `--tls-cert-file=${server.cert}`,
    `--tls-private-key-file=${server.key}`,
    `--client-ca-file=${certificates.authority.cert}`,
    `--kubelet-client-certificate=${kubeletClient.cert}`,
    `--kubelet-client-key=${kubeletClient.key}`,
    '--kubelet-preferred-address-types=InternalIP',
    `--service-account-issuer=https://kubernetes.default.svc.${CLUSTER_DOMAIN}`,
    `--service-account-key-file=${certificates.tokenKey}`,
    `--service-account-signing-key-file=${certificates.tokenKey}`,
    `--service-cluster-ip-range=${SERVICES}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
  ];
}
