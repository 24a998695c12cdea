import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority } from '../../daemon/certificates.ts';
import { auditPolicy } from '../kubernetes-audit.ts';

export interface ServerFiles {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly admin: { readonly cert: string; readonly key: string };
  /** Key for signing the tokens of service accounts. */
  readonly tokens: { readonly publicKey: string; readonly privateKey: string };
  readonly auditPolicy: string;
  readonly auditLog: string;
}

/** Creates the certificates and keys of a server and its administrator in `folder`. */
export async function writeServerFiles(folder: string): Promise<ServerFiles> {
  const authority = makeAuthority(folder);
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const tokens = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
  });
  return {
    ca: authority.cert,
    server: authority.sign('kube-apiserver', 'kube-apiserver'),
    // RBAC allows everything to this group, before any role exists.
    admin: authority.sign('admin', 'admin/O=system:masters'),
    tokens: {
      publicKey: await file('tokens.pub', tokens.publicKey),
      privateKey: await file('tokens.key', tokens.privateKey),
    },
    auditPolicy: await file('audit-policy.yaml', JSON.stringify(auditPolicy)),
    auditLog: await file('audit.log', ''),
  };
}

export function apiServerFlags(files: ServerFiles, port: number, etcdUrl: string): readonly string[] {
  const issuer = 'https://kubernetes.default.svc.cluster.local';
  return [
    `--etcd-servers=${etcdUrl}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    // The endpoint of the service `kubernetes` must not be on the loopback. This address is for documentation (RFC
    // 5737).
    '--advertise-address=192.0.2.1',
    '--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112',
    `--tls-cert-file=${files.server.cert}`,
    `--tls-private-key-file=${files.server.key}`,
    `--client-ca-file=${files.ca}`,
    '--authorization-mode=Node,RBAC',
    // Node agents have privileged pods.
    '--allow-privileged=true',
    `--service-account-issuer=${issuer}`,
    `--service-account-key-file=${files.tokens.publicKey}`,
    `--service-account-signing-key-file=${files.tokens.privateKey}`,
    `--audit-policy-file=${files.auditPolicy}`,
    `--audit-log-path=${files.auditLog}`,
  ];
}
