import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { Bench, LONELY_SCORER } from '../bench.ts';
import type { Program } from '../../running-program.ts';
import { keeps, record } from '../table/keeps.ts';

const bench = new Bench();
afterAll(() => bench.remove());

/** The secret of every file below, as text and as a number. */
const SECRETS = /hunter2|87654321/;

const PROMETHEUS = "prometheus: { url: 'http://h'";
const WITH = (section: string) => `${PROMETHEUS}, ${section} }\noutput: metrics\n`;

const SCORER: readonly (readonly [attack: string, config: string])[] = [
  ['a password at the top', 'password: 87654321'],
  ['a password beside the URL', `${PROMETHEUS}, password: 87654321 }`],
  ['a password beside a section that is missing', WITH('username: me, password: hunter2')],
  ['a password where its section was expected', WITH('basic_auth: hunter2')],
  ['a number where a section was expected', WITH('basic_auth: 87654321')],
  ['a list with a password where a section was expected', WITH('basic_auth: [me, hunter2]')],
  ['a password as a key', WITH('basic_auth: { hunter2 }')],
  ['a password without a blank after its colon', WITH('basic_auth: { username: me, password:hunter2 }')],
  ['a mapping for a password', WITH('basic_auth: { username: me, password: { hunter2: 1 } }')],
  ['a name and password in one', WITH("basic_auth: { username: 'me:hunter2' }")],
  ['a number as a user', WITH('basic_auth: { username: 87654321 }')],
  ['a token as the type', WITH("authorization: { type: [Bearer hunter2], credentials: 'x' }")],
  ['a token for the section', WITH('authorization: Bearer hunter2')],
  ['a token in a mapping', WITH('bearer_token: { token: hunter2 }')],
  ['a token for a file', WITH('bearer_token_file: { token: hunter2 }')],
  ['a header as a text', WITH("headers: 'X-Api-Key: hunter2'")],
  ['a header as a list', WITH('headers: [hunter2]')],
  ['a header with its value as its name', WITH("headers: { 'Bearer hunter2': x }")],
  ['a header that is reserved', WITH('http_headers: { Authorization: { values: [hunter2] } }')],
  ['a user in a URL of a wrong scheme', "prometheus: { url: 'htp://u:hunter2@h' }"],
  ['a user in a URL without slashes', "prometheus: { url: 'http:u:hunter2@h' }"],
  ['a user in a URL in a list', "prometheus: { url: ['htp:/u:hunter2@h'] }"],
  ['a user in the URL of a receiver', `${PROMETHEUS} }\nremote_write: { url: 'htp://u:hunter2@h' }`],
  ['a token in a URL with a space', "prometheus: { url: 'http://h/?token=hunter2 x' }"],
  ['a token in a fragment', "prometheus: { url: 'http://h/#hunter2' }"],
  ['a user in a URL and in a section', "prometheus: { url: 'http://u:hunter2@h', basic_auth: { username: me } }"],
  ['a user in the URL of a proxy', WITH("proxy_url: 'ftp://u:hunter2@p'")],
  ['a secret with a key of its own', WITH("oauth2: { client_id: x, client_secret: 'hunter2', token_url: x }")],
  ['a secret for an identifier', WITH('oauth2: { client_id: [hunter2] }')],
  [
    'a secret among parameters',
    WITH("oauth2: { client_id: x, token_url: 'http://h', endpoint_params: { a: [hunter2] } }"),
  ],
  ['a key in PEM format for a file', WITH('tls_config: { ca_file: ["-----BEGIN KEY-----\\nhunter2"] }')],
  ['a section that is missing beside one with a secret', `${PROMETHEUS}, basic_auth: { password: hunter2 } }`],
  ['a colon in a password that is not quoted', WITH('x: 1').replace('x: 1', 'bearer_token: hunter2: x')],
  ['a tag for a password', WITH('bearer_token: !hunter2 x')],
  ['a verbatim tag for a password', WITH('bearer_token: !<hunter2 x')],
  ['a tag with characters that tags lack', WITH('bearer_token: !h^hunter2 x')],
  ['an alias for a password', WITH('bearer_token: *hunter2')],
  ['an anchor that is a password', WITH('bearer_token: &hunter2')],
  ['a number for a section that may be a list', `${PROMETHEUS} }\nremote_write: 87654321`],
  ['a text in a list of sections', `${PROMETHEUS} }\nremote_write: [hunter2]`],
  ['a directive', '%hunter2 x'],
  ['a text that does not end', 'password: "hunter2'],
  ['a document that is a text', 'hunter2'],
  ['a document that is a list', '- hunter2'],
];

test.each(SCORER)('the scorer does not print %s', keeps('secrets'), (_attack, config) => {
  const path = bench.write('scorer.yaml', config);
  for (const args of [
    ['run', '--config.check'],
    ['doctor', '--format=json'],
  ]) {
    const { status, stdout, stderr } = bench.run('scorer', [...args, `--config.file=${path}`]);
    expect(status).toBe(2);
    expect(stdout + stderr).not.toMatch(SECRETS);
    expect(stdout + stderr).toContain('scorer.yaml');
  }
});

const OTHER_FILES: readonly (readonly [string, Program, readonly string[], string])[] = [
  ['a password for a hash', 'exporter', ['--web.config.file'], 'basic_auth_users: { me: hunter2 }'],
  ['a number for a hash', 'exporter', ['--web.config.file'], 'basic_auth_users: { me: 87654321 }'],
  ['users as a text', 'exporter', ['--web.config.file'], "basic_auth_users: 'me: hunter2'"],
  ['users as a list', 'exporter', ['--web.config.file'], 'basic_auth_users: [hunter2]'],
  ['a key where its section was expected', 'exporter', ['--web.config.file'], 'tls_server_config: hunter2'],
  ['a hash as a user', 'exporter', ['--web.config.file'], "basic_auth_users: { '$2y$10$hunter2': me }"],
  ['a colon in a text', 'exporter', ['--web.config.file'], 'basic_auth_users: { me: hunter2: x }'],
  ['a URL for an address', 'exporter', ['--targets.file'], targets("addresses: ['http://u:hunter2@h']")],
  ['a section for a target', 'exporter', ['--targets.file'], 'targets: [hunter2]'],
  ['a token of a kubeconfig', 'exporter', ['--kubernetes.node-name=n', '--kubernetes.kubeconfig'], 'token: hunter2: x'],
];

test.each(OTHER_FILES)('%s of another file is not printed', keeps('secrets'), (_attack, program, flags, text) => {
  const path = bench.write('other.yaml', text);
  const args = [...flags.slice(0, -1), `${flags.at(-1)}=${path}`];
  const check = flags.length === 1 ? ['--config.check'] : [];
  const { status, stdout, stderr } = bench.run(program, [...check, ...args]);
  expect(status).toBe(2);
  expect(stdout + stderr).not.toMatch(SECRETS);
  expect(stderr).toContain('other.yaml');
});

const COMMAND_LINES: readonly (readonly [Program, readonly string[]])[] = [
  ['scorer', ['http://u:hunter2@h']],
  ['scorer', ['run', 'http://u:hunter2@h']],
  ['scorer', ['run', '--log.level=http://u:hunter2@h']],
  ['scorer', ['rules', '--interval=http://u:hunter2@h']],
  ['scorer', ['run', '--web.enable-lifecycle=http://u:hunter2@h']],
  ['exporter', ['--web.listen-address=http://u:hunter2@h']],
  ['exporter', ['--bpf.max-edges=http://u:hunter2@h']],
];

test.each(COMMAND_LINES)(
  'the %s does not print the user of a URL that is no value of a flag: %j',
  keeps('secrets'),
  (program, args) => {
    const { status, stderr } = bench.run(program, args);
    expect(status).toBe(2);
    expect(stderr).not.toMatch(SECRETS);
  },
);

test(
  'neither the log nor a page of a running scorer shows a secret of its configuration',
  keeps('secrets'),
  async () => {
    const config = LONELY_SCORER.replace(
      "'http://127.0.0.1:1' }",
      "'http://u:hunter2@127.0.0.1:1/?t=hunter2', headers: { X-Key: '87654321' } }",
    );
    const path = bench.write('running.yaml', config);
    const args = [`--config.file=${path}`, '--log.level=debug', '--web.enable-lifecycle'];
    const scorer = await bench.start('scorer', args);
    bench.write('running.yaml', `${config}basic_auth: hunter2\nremote_write: 87654321\n`);
    const reload = await fetch(`${scorer.url}/-/reload`, { method: 'POST' });
    expect(reload.status).toBe(500);
    const pages = await Promise.all(
      ['/', '/metrics', '/-/ready', '/-/config', '/config'].map(async (page) =>
        (await fetch(scorer.url + page)).text(),
      ),
    );
    await scorer.stop();
    expect([await reload.text(), ...pages, ...scorer.log].join('\n')).not.toMatch(SECRETS);
    expect(readFileSync(path, 'utf8')).toMatch(SECRETS);
    record({ places: SCORER.length + OTHER_FILES.length + COMMAND_LINES.length + pages.length });
  },
);

function targets(rest: string): string {
  return `targets: [{ namespace: shop, service: cart, ${rest} }]`;
}
