import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stage } from '../lab.ts';
import { PORT } from './programs.ts';

export interface NginxOptions {
  /** Parameters of `listen`, such as ssl and http2. */
  readonly listen?: string;
  /** Serves a file of this size itself, instead of passing requests to the backend. */
  readonly bodyBytes?: number;
  /** Further lines of the server block. */
  readonly lines?: readonly string[];
}

/** Starts nginx as the stage's server. */
export async function serveNginx(stage: Stage, path: string, options: NginxOptions = {}): Promise<void> {
  const { listen = '', bodyBytes, lines = [] } = options;
  const { folder, address } = stage.server;
  const { key, cert } = stage.certificate;
  const root = join(folder, 'root');
  mkdirSync(root);
  writeFileSync(join(root, 'index.html'), 'x'.repeat(bodyBytes ?? 0));
  const tls = listen.includes('ssl') ? [`ssl_certificate ${cert};`, `ssl_certificate_key ${key};`] : [];
  const location = bodyBytes === undefined ? `proxy_pass http://${stage.backend.address}:${PORT};` : `root ${root};`;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const configuration = `
    daemon off;
    user root;
    worker_processes 1;
    pid ${folder}/nginx.pid;
    error_log ${folder}/error.log;
    events { worker_connections 256; }
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')}
      server {
        listen ${address}:${PORT} ${listen};
        ${[...tls, ...lines].join('\n')}
        location / { ${location} }
      }
    }`;
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, configuration);
  await stage.server.serve([path, '-p', folder, '-c', file, '-e', join(folder, 'error.log')], PORT);
}
