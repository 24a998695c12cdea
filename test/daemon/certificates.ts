import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority in `folder`, made by openssl. */
export interface Authority extends Certificate {
  /** Signs a certificate for `name`, also valid for 127.0.0.1 as a server; the files are `<file>.crt` and `.key`. */
  sign(file: string, name: string): Certificate;
}

export function makeAuthority(folder: string, name = 'lorikeet-test-ca'): Authority {
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const key = (file: string) => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    file,
  ];
  const files = (file: string) => ({ cert: join(folder, `${file}.crt`), key: join(folder, `${file}.key`) });
  const authority = files(name);
  openssl('req', '-x509', ...key(authority.key), '-out', authority.cert, '-days', '2', '-subj', `/CN=${name}`);
  return {
    ...authority,
    sign(file, subject) {
      const { cert, key: keyFile } = files(file);
      const request = join(folder, `${file}.csr`);
      const extensions = join(folder, `${file}.ext`);
      writeFileSync(extensions, 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n');
      openssl('req', '-new', ...key(keyFile), '-out', request, '-subj', `/CN=${subject}`);
      const signer = ['-CA', authority.cert, '-CAkey', authority.key, '-CAcreateserial'];
      openssl('x509', '-req', '-in', request, ...signer, '-days', '2', '-extfile', extensions, '-out', cert);
      return { cert, key: keyFile };
    },
  };
}
