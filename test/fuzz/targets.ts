import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigError } from '../../daemon/config-file.ts';
import { checkWebConfig } from '../../daemon/web-config/web-config-file.ts';
import { readTargetsFile } from '../../exporter/identity/targets-file.ts';
import { readAlertTiming } from '../../scorer/backtest/alerts.ts';
import { readFaults } from '../../scorer/backtest/labels.ts';
import { readScorerConfig } from '../../scorer/config.ts';
import { readPatterns } from '../../scorer/detectors/pattern/train.ts';
import { readFeatures } from '../../scorer/features/features.ts';
import { type FuzzTarget, SECRET } from './fuzz.ts';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-fuzz-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

/** A target that reads a configuration file by its path. */
function file(name: string, read: (path: string) => unknown, examples: readonly string[]): FuzzTarget {
  const path = join(folder, `${name}.yaml`);
  const parse = (input: Buffer) => {
    writeFileSync(path, input);
    return read(path);
  };
  return { name, examples, parse, errors: [ConfigError] };
}

writeFileSync(join(folder, 'secret'), SECRET);

const SCORER = `prometheus:
  url: http://prometheus:9090
  timeout: 30s
  basic_auth: { username: me, password: ${SECRET} }
  headers: { X-Scope-OrgID: shop, X-Api-Key: ${SECRET} }
  tls_config: { min_version: TLS12, server_name: prometheus }
remote_write:
- url: https://me:${SECRET}@receiver/api/v1/write?token=${SECRET}
  name: one
  retry_age: 5m
- url: http://other/api/v1/write
  oauth2:
    client_id: me
    client_secret: ${SECRET}
    token_url: http://issuer/token
    scopes: [write]
    endpoint_params: { key: ${SECRET} }
- url: http://fourth/api/v1/write
  basic_auth: { username: me, password_file: ./secret }
  http_headers: { X-Key: { files: [./secret], values: [${SECRET}] } }
- url: http://third/api/v1/write
  sigv4: { region: eu-central-1, access_key: ${SECRET}, secret_key: ${SECRET} }
identity: { labels: [cluster] }
external_labels: { cluster: a }
interval: 30s
delay: 5s
steps: [0, 1, 2, 5]
shard: { index: 0, count: 2 }
state_dir: state
learning: { minimum: 15m, history: 1d, seasons: [1d, 1w] }
`;

const DETECTORS = `prometheus: { url: 'http://prometheus:9090', authorization: { type: Bearer, credentials: ${SECRET} }, matchers: '{cluster="a"}' }
output: metrics
detectors:
  autoencoder: {}
  gru_vae: {}
  instance_outlier: {}
  trace_sequence: { order: tree }
  agreement: { of: [autoencoder, gru_vae], at_least: 2 }
traces: { listen_address: ':4318' }
maintenance: ['up{job="x"} == 0']
gone: {}
expected: { alertmanager: { url: 'http://alertmanager:9093', bearer_token: ${SECRET} } }
`;

const WEB = `tls_server_config:
  cert: "-----BEGIN CERTIFICATE-----\\n${SECRET}"
  key: "-----BEGIN PRIVATE KEY-----\\n${SECRET}"
  client_auth_type: NoClientCert
  min_version: TLS12
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
http_server_config: { http2: true, headers: { X-Frame-Options: deny } }
`;
const USERS = `basic_auth_users:
  me: $2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG
  other: ${SECRET}
rate_limit: { interval: 1s, burst: 10 }
`;

const TARGETS = `targets:
- { namespace: shop, service: cart, cgroup: /shop.slice/cart.service, protocols: { 8080: http1 } }
- namespace: shop
  service: payment
  pod: payment-0
  addresses: [192.0.2.1, '192.0.2.2:8080', '[2001:db8::1]:443']
  protocols: { 443: tls }
`;

const FAULTS = JSON.stringify([
  { start: '2024-05-01T12:00:00Z', end: '2024-05-01T12:10:00Z', namespace: 'shop', service: 'cart', type: 'cpu' },
  { start: '2024-05-01T13:00:00+02:00', namespace: 'shop', service: 'payment', type: 'delay' },
]);

/** The shipped list as far as its first features: a whole one would hide a change in so much text. */
function firstFeatures(count: number): string {
  const [head, ...features] = readFileSync('rules/features.yaml', 'utf8').split(/^(?= {2}- name: )/m);
  return [head, ...features.slice(0, count)].join('');
}

const rising = Array.from({ length: 20 }, (_, at) => at).join(', ');
const PATTERNS = `patterns: [{ name: saw, examples: [[${rising}], [${rising}]] }, { name: flat_top, examples: [[${rising}]] }]\n`;

/** All parsers of files that users write. To add one, give it a name, valid examples and the errors that it may throw. */
export const TARGETS_OF_FUZZING: readonly FuzzTarget[] = [
  file('scorer', readScorerConfig, [SCORER, DETECTORS]),
  file('web', checkWebConfig, [WEB, USERS]),
  file('targets', (path) => readTargetsFile(path), [TARGETS]),
  file('features', readFeatures, [
    firstFeatures(2),
    'windows: [1m, 5m, 15m]\nfeatures:\n- { name: a, expr: "sum(rate(x[$window]))", scale: log, signal: traffic, load: true }\n',
    `extends: ${resolve('rules/features.yaml')}\nwindows: [1m, 2m, 4m]\n`,
  ]),
  file('faults', (path) => readFaults(path), [FAULTS]),
  file('alerts', readAlertTiming, [readFileSync('rules/services.alerts.yaml', 'utf8')]),
  file('patterns', readPatterns, [PATTERNS]),
];
