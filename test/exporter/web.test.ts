import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeAuthority, type Authority } from '../daemon/certificates.ts';
import { withSandbox } from '../kernel/sandbox/sandbox.ts';
import { startPrometheus } from '../testserver/prometheus.ts';
import { bundleExporter, type Bundle } from './program.ts';

let bundle: Bundle;
let folder: string;
let authority: Authority;
let webConfig: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-exporter-web-'));
  bundle = await bundleExporter();
  authority = makeAuthority(folder);
  const { cert, key } = authority.sign('server', 'exporter');
  webConfig = join(folder, 'web.yaml');
  const users = `basic_auth_users: {prometheus: ${hashSync('secret', 10)}}`;
  writeFileSync(webConfig, `tls_server_config: {cert_file: ${cert}, key_file: ${key}}\n${users}\n`);
});
afterAll(() => {
  bundle?.remove();
  rmSync(folder, { recursive: true });
});

interface Answer<T> {
  readonly status: string;
  readonly data: T;
}

async function api<T>(url: string, path: string): Promise<T> {
  const answer = await fetch(`${url}/api/v1/${path}`);
  return ((await answer.json()) as Answer<T>).data;
}

interface Vector {
  readonly result: readonly { readonly metric: Readonly<Record<string, string>>; readonly value: [number, string] }[];
}

const scrapeJob = (name: string, address: string, password: string) => `
  - job_name: ${name}
    scheme: https
    honor_labels: true
    tls_config: {ca_file: ${authority.cert}}
    basic_auth: {username: prometheus, password: ${password}}
    static_configs: [{targets: ['${address}']}]`;

describe('lorikeet-exporter with --web.config.file', () => {
  test('is scraped by Prometheus over TLS with a password, as OpenMetrics', () =>
    withSandbox(async ({ cgroup }) => {
      const targets = join(folder, 'targets.yaml');
      const target = `{namespace: shop, service: cart, pod: cart-1, cgroup: /${basename(cgroup.path)}}`;
      writeFileSync(targets, `targets: [${target}]\n`);
      const exporter = await bundle.start(`--web.config.file=${webConfig}`, `--targets.file=${targets}`);
      const jobs = [scrapeJob('good', exporter.address, 'secret'), scrapeJob('wrong', exporter.address, 'guess')];
      const prometheus = await startPrometheus({
        config: `global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:${jobs.join('')}\n`,
      });
      try {
        await vi.waitFor(
          async () => {
            const { activeTargets } = await api<{ activeTargets: readonly Record<string, string>[] }>(
              prometheus.url,
              'targets',
            );
            expect(activeTargets.map(({ scrapePool, health, lastError }) => [scrapePool, health, lastError])).toEqual([
              ['good', 'up', ''],
              ['wrong', 'down', 'server returned HTTP status 401 Unauthorized'],
            ]);
            const requests = await api<Vector>(prometheus.url, 'query?query=lorikeet_requests_total');
            expect(requests.result.map(({ metric }) => `${metric['service']} ${metric['role']}`)).toEqual([
              'cart client',
              'cart server',
            ]);
          },
          { timeout: 20_000, interval: 200 },
        );
        // Only OpenMetrics has a counter's family without _total: Prometheus used that format and parsed all of it.
        const known = await api<Record<string, readonly { type: string; help: string }[]>>(prometheus.url, 'metadata');
        expect(known['lorikeet_requests']).toMatchObject([{ type: 'counter' }]);
        expect(known['lorikeet_exporter_external_peers_cut']).toMatchObject([
          { type: 'counter', help: 'External peers counted as "other" because a limit was reached.' },
        ]);
        expect(known['lorikeet_requests_total']).toBeUndefined();
        const samples = await api<Vector>(prometheus.url, 'query?query=scrape_samples_scraped{job="good"}');
        const text = curl(exporter.address, 'text/plain').body;
        const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
        expect(Math.abs(Number(samples.result[0]?.value[1]) - lines.length)).toBeLessThan(5);
      } finally {
        await prometheus.stop();
      }
    }));

  function curl(address: string, accept: string) {
    const args = ['-sS', '--cacert', authority.cert, '-u', 'prometheus:secret', '-H', `Accept: ${accept}`, '-i'];
    const output = execFileSync('curl', [...args, '--compressed', `https://${address}/metrics`], { encoding: 'utf8' });
    const end = output.indexOf('\r\n\r\n');
    return { head: output.slice(0, end), body: output.slice(end + 4) };
  }

  test('serves the same in both formats, and promtool accepts the text', async () => {
    const exporter = await bundle.start(`--web.config.file=${webConfig}`);
    const text = curl(exporter.address, 'text/plain');
    expect(text.head).toContain('Content-Type: text/plain; version=0.0.4; charset=utf-8');
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: text.body,
      encoding: 'utf8',
    });
    expect([status, stdout, stderr]).toEqual([0, '', '']);

    const open = curl(exporter.address, 'application/openmetrics-text;version=1.0.0');
    expect(open.head).toContain('Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(open.head).toContain('Content-Encoding: gzip');
    expect(open.body).toMatch(/\n# EOF\n$/);
    expect(open.body).not.toMatch(/\n\n/);
    const names = (body: string) => [...body.matchAll(/^([a-z]\S*) /gm)].map(([, name]) => name);
    // Metrics about the process may differ between the two scrapes.
    const passing = /^nodejs_(active|gc)_/;
    const stable = (all: readonly (string | undefined)[]) => all.filter((name) => !passing.test(name ?? ''));
    expect(stable(names(open.body))).toEqual(stable(names(text.body)));
  });

  test('checks its web configuration', () => {
    const good = bundle.run('--config.check', `--web.config.file=${webConfig}`);
    expect([good.status, good.stdout, good.stderr]).toEqual([0, `${webConfig}: valid, with TLS\n`, '']);
    const path = join(folder, 'wrong.yaml');
    writeFileSync(path, 'basic_auth_users: {prometheus: secret}\n');
    for (const flags of [['--config.check'], []]) {
      const wrong = bundle.run(`--web.config.file=${path}`, ...flags);
      const message = `${path}: basic_auth_users.prometheus: expected a bcrypt hash, got "something else"\n`;
      expect(wrong.status).toBe(2);
      expect(wrong.stderr).toContain(message);
      expect(wrong.stderr).not.toContain('secret');
    }
  });
});
