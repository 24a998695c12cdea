import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../scripts/free-port.ts';
import { until } from '../until.ts';

const PROGRAM = resolve('dist/lorikeet-scorer.js');
let folder: string;

interface Ended {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

function scorer(...args: string[]): Promise<Ended> {
  return new Promise((done) => {
    execFile(process.execPath, [PROGRAM, ...args], { cwd: folder, timeout: 30_000 }, (error, out, err) => {
      done({ status: error === null ? 0 : Number(error.code ?? -1), out, err });
    });
  });
}

const VALID = `prometheus: { url: 'http://127.0.0.1:9' }
remote_write: { url: 'http://127.0.0.1:9/api/v1/write' }
`;

describe('lorikeet-scorer', () => {
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'lorikeet-cli-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['an unknown key', `${VALID}intervall: 1m\n`, 'scorer.yaml: intervall: unknown key'],
    ['an unknown key further in', `${VALID}learning: { minumum: 1m }\n`, 'scorer.yaml: learning.minumum: unknown key'],
    ['a wrong type', `${VALID}steps: 5\n`, 'scorer.yaml: steps: expected array, got 5'],
    [
      'an invalid URL',
      VALID.replace("'http://127.0.0.1:9/api", "'foo"),
      'scorer.yaml: remote_write.url: expected an http(s) URL, got "foo/v1/write"',
    ],
    ['no receiver', VALID.split('\n')[0] ?? '', 'scorer.yaml: remote_write: expected a section with url'],
    [
      'an invalid duration',
      `${VALID}interval: soon\n`,
      'scorer.yaml: interval: expected a duration such as 30s or 5m, got "soon"',
    ],
    ...['10m', '2m', '61s', '500ms'].map((interval): [string, string, string] => [
      `an interval of ${interval}`,
      `${VALID}interval: ${interval}\n`,
      'scorer.yaml: interval: expected 1s to 1m: the alerts wait 90s for a second score above 1, got',
    ]),
    [
      'a delay after which no query finds the score',
      `${VALID}delay: 4m\n`,
      'scorer.yaml: delay: expected 3m or less: Prometheus finds scores for 5m only, got',
    ],
    [
      'a shard index out of range',
      `${VALID}shard: { index: 3, count: 3 }\n`,
      'scorer.yaml: shard.index: expected less than 3, got 3',
    ],
    ['no number of shards', `${VALID}shard: { index: 0 }\n`, 'scorer.yaml: shard.count: missing, expected number'],
    ['no YAML', 'a: [', 'scorer.yaml: not valid YAML'],
    [
      'a file that is missing',
      VALID.replace("9' }", "9', tls_config: { ca_file: gone.pem } }"),
      'scorer.yaml: prometheus.tls_config.ca_file: ',
    ],
    [
      'no PromQL',
      `${VALID}maintenance: ["x =="]\n`,
      'scorer.yaml: maintenance[0]: expected a PromQL expression: syntax error',
    ],
    [
      'a label that all services have',
      `${VALID}identity: { labels: [cluster, service] }\n`,
      'scorer.yaml: identity.labels[1]: expected a label that the series of Lorikeet do not have themselves, got "service"',
    ],
    [
      'matchers that are none',
      VALID.replace("9' }", `9', matchers: 'cluster="a"' }`),
      'scorer.yaml: prometheus.matchers: expected label matchers such as {cluster="a"}, got',
    ],
    [
      'an external label that is no name',
      `${VALID}external_labels: { k8s.cluster: a }\n`,
      'scorer.yaml: external_labels: expected names of labels, such as cluster, with their values',
    ],
  ])('rejects %s with file, path and expected value, status 2', async (_, text, message) => {
    writeFileSync(join(folder, 'scorer.yaml'), text);
    for (const check of [[], ['--config.check']]) {
      const { status, err } = await scorer('run', '--config.file=scorer.yaml', ...check);
      expect(err).toContain(message);
      expect(err.trim().split('\n')).toHaveLength(1);
      expect(status).toBe(2);
    }
  });

  it.each([
    [['sing'], 'unknown command sing, expected run, train, backtest, doctor, rules, dashboards'],
    [['run', '--colour=red'], 'unknown flag --colour'],
    [['run', 'twice'], 'unexpected argument "twice"'],
    [['run', '--log.level=loud'], '--log.level: expected debug, info, warn, error, got "loud"'],
    [['run', '--config.file=gone.yaml'], 'gone.yaml: no such file'],
  ])('rejects %j in one line, status 2', async (args, message) => {
    const { status, err } = await scorer(...args);
    expect(err).toContain(message);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });

  it('checks a configuration', async () => {
    writeFileSync(join(folder, 'scorer.yaml'), VALID);
    const checked = await scorer('run', '--config.file=scorer.yaml', '--config.check');
    expect(checked).toMatchObject({ status: 0, err: '' });
    expect(checked.out).toMatch(/^scorer\.yaml: valid, \d+ features\n$/);
  });

  it.each(['interval: 15s\ndelay: 90s', 'interval: 1m\ndelay: 3m', 'interval: 1s'])('accepts %j', async (text) => {
    writeFileSync(join(folder, 'scorer.yaml'), `${VALID}${text}\n`);
    expect(await scorer('run', '--config.file=scorer.yaml', '--config.check')).toMatchObject({ status: 0, err: '' });
  });

  it('accepts the shipped configuration', async () => {
    const shipped = resolve('manifests/scorer.yaml');
    expect(await scorer('run', `--config.file=${shipped}`, '--config.check')).toMatchObject({ status: 0, err: '' });
  });

  it('reports a port in use in one line, status 1', async () => {
    const holder = createServer();
    await new Promise<void>((listening) => holder.listen(0, '127.0.0.1', listening));
    const { port } = holder.address() as AddressInfo;
    writeFileSync(join(folder, 'scorer.yaml'), VALID);
    const ended = await scorer('run', `--web.listen-address=127.0.0.1:${port}`);
    holder.close();
    expect(ended).toMatchObject({ status: 1, err: `lorikeet-scorer: listen 127.0.0.1:${port}: address in use\n` });
  });

  it('prints no secret, in no log line, page or metric', async () => {
    writeFileSync(
      join(folder, 'secret.yaml'),
      `prometheus: { url: 'http://me:hunter2@127.0.0.1:9/?token=hunter2', http_headers: { X-A: { secrets: [hunter2] } } }
remote_write:
  - { url: 'http://me:hunter2@127.0.0.1:9/api/v1/write?token=hunter2' }
  - { url: 'http://127.0.0.1:9/api/v1/write', name: two, bearer_token: hunter2, headers: { X-B: hunter2 } }
interval: 1s
`,
    );
    const port = await freePort();
    const child = spawn(
      process.execPath,
      [PROGRAM, 'run', '--config.file=secret.yaml', `--web.listen-address=127.0.0.1:${port}`, '--log.level=debug'],
      { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    try {
      await until('a cycle has failed', () => printed.includes('cycle failed'), { timeoutMs: 30_000 });
      for (const path of ['/', '/metrics', '/tensors', '/-/ready']) {
        printed += await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
      }
    } finally {
      child.kill('SIGTERM');
      await new Promise((ended) => child.once('close', ended));
    }
    expect(printed).toContain('remote_name="http://127.0.0.1:9/api/v1/write"');
    expect(printed).toContain('remote_name="two"');
    expect(printed).not.toContain('hunter2');
    expect(printed).not.toContain(Buffer.from('me:hunter2').toString('base64'));
  });

  it('renders the shipped rules', async () => {
    const { status, out } = await scorer('rules');
    expect(status).toBe(0);
    expect(out).toBe(readFileSync('rules/generated/lorikeet.rules.yaml', 'utf8'));
  });

  it.each([
    ['the rules of pods and endpoints', ['--part=instances'], 'rules/generated/lorikeet-instances.rules.yaml'],
    ['the alerts of services', ['--part=alerts'], 'rules/services.alerts.yaml'],
  ])('renders %s as shipped', async (_, flags, path) => {
    expect((await scorer('rules', ...flags)).out).toBe(readFileSync(path, 'utf8'));
  });

  it('renders rules, alerts and dashboards for further labels, from a flag or a configuration', async () => {
    writeFileSync(join(folder, 'clusters.yaml'), `${VALID}identity: { labels: [tenant, cluster] }\n`);
    for (const part of ['services', 'instances', 'alerts', 'detector-alerts']) {
      const { status, out } = await scorer('rules', `--part=${part}`, '--config.file=clusters.yaml');
      expect(status).toBe(0);
      expect(out).toContain('by (tenant, cluster, namespace');
      expect((await scorer('rules', `--part=${part}`, '--identity.labels=tenant, cluster')).out).toBe(out);
    }
    const json = await scorer('rules', '--part=alerts', '--config.file=clusters.yaml', '--format=json');
    const yaml = await scorer('rules', '--part=alerts', '--config.file=clusters.yaml');
    expect(JSON.parse(json.out)).toEqual(load(yaml.out));
    const none = await scorer('rules', '--config.file=clusters.yaml', '--identity.labels=');
    expect(none.out).toBe(readFileSync('rules/generated/lorikeet.rules.yaml', 'utf8'));
    await scorer('dashboards', '--config.file=clusters.yaml', '--output=boards');
    expect(readFileSync(join(folder, 'boards/lorikeet-overview.json'), 'utf8')).toContain('cluster=~\\"$cluster\\"');
    await scorer('dashboards', '--output=plain');
    expect(readFileSync(join(folder, 'plain/lorikeet-overview.json'), 'utf8')).toBe(
      readFileSync('dashboards/generated/lorikeet-overview.json', 'utf8'),
    );
    const { status, err } = await scorer('rules', '--identity.labels=pod');
    expect(err).toContain('--identity.labels: expected a label that the series of Lorikeet do not have themselves');
    expect(status).toBe(2);
  });

  it('renders rules and alerts for another detector, and refuses one that it does not know', async () => {
    for (const part of ['services', 'alerts']) {
      const { out } = await scorer('rules', `--part=${part}`, '--detector=agreement');
      expect(out).toContain('anomaly_score{detector=~"agreement|gone"}');
      expect(out).not.toContain('autoencoder');
    }
    const { status, err } = await scorer('rules', '--detector=another');
    expect(err).toContain('--detector: expected autoencoder, gru_vae, ');
    expect(status).toBe(2);
  });

  it('checks its web configuration, too', async () => {
    writeFileSync(join(folder, 'scorer.yaml'), VALID);
    const check = () => scorer('run', '--config.check', '--web.config.file=web.yaml');
    writeFileSync(join(folder, 'web.yaml'), '{}\n');
    expect((await check()).out).toMatch(/^web\.yaml: valid, without TLS$/m);
    writeFileSync(join(folder, 'web.yaml'), 'colour: red\n');
    expect(await check()).toMatchObject({
      status: 2,
      out: '',
      err: 'lorikeet-scorer: web.yaml: colour: unknown key\n',
    });
  });

  it('shows the defaults of a command', async () => {
    expect((await scorer('run', '--help')).out).toContain('--web.listen-address=:9401');
  });
});
