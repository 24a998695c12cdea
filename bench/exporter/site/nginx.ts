import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Child } from './child.ts';
import type { Site } from './site.ts';
import { parseWrk } from './wrk.ts';

/** The results at saturation. */
export interface Saturated {
  readonly requestsPerSecond: number;
  /** CPU time of both ends per request, in microseconds. */
  readonly cpuUs: number;
}

/** Always free, in a network namespace of its own. */
const PORT = 8080;
const CONNECTIONS = 32;
const START_MS = 500;

const configuration = (folder: string): string => `
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${PORT};
    location / { return 200 "as small as it gets"; }
  }
}
`;

/** nginx with one worker in one cgroup of a fleet, and wrk with one thread in another: each has a CPU. */
export class Nginx {
  readonly #site: Site;
  readonly #server: Child;

  private constructor(site: Site, server: Child) {
    this.#site = site;
    this.#server = server;
  }

  static async start(site: Site): Promise<Nginx> {
    const folder = join(site.workshop.folder, 'nginx');
    mkdirSync(folder);
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, configuration(folder));
    const server = Child.start(site.loopback.inside(site.fleet.pair[1], ['nginx', '-p', folder, '-c', file]));
    await pause(START_MS);
    return new Nginx(site, server);
  }

  /** Sends requests as fast as possible. */
  async saturate(seconds: number, { keepAlive }: { readonly keepAlive: boolean }): Promise<Saturated> {
    const { loopback, fleet } = this.#site;
    const header = keepAlive ? [] : ['-H', 'Connection: close'];
    const pace = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, ...header];
    const url = `http://127.0.0.1:${PORT}/`;
    const before = usedMicroseconds(fleet.pair);
    const output = await Child.run(loopback.inside(fleet.pair[0], ['wrk', ...pace, url]));
    const { requests, perSecond } = parseWrk(output);
    return { requestsPerSecond: perSecond, cpuUs: (usedMicroseconds(fleet.pair) - before) / requests };
  }

  async stop(): Promise<void> {
    await this.#server.stop('SIGTERM');
  }
}

function usedMicroseconds(cgroups: readonly string[]): number {
  const used = (cgroup: string) =>
    Number(/^usage_usec (\d+)/m.exec(readFileSync(join(cgroup, 'cpu.stat'), 'utf8'))?.[1]);
  return cgroups.reduce((sum, cgroup) => sum + used(cgroup), 0);
}
