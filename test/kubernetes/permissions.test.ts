import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { describeWith } from '../skips/describe-with.ts';
import { KUBERNETES } from '../skips/needs.ts';
import { type RunningKubernetes, startKubernetes } from '../testserver/kubernetes.ts';
import { freePort } from '../../scripts/free-port.ts';
import { startProgram } from '../testserver/prometheus.ts';
import { AccountFolder } from './account.ts';
import { resourcesOf, settledInventory } from './inventory.ts';

const NAMESPACE = 'lorikeet';
const EXPORTER = `system:serviceaccount:${NAMESPACE}:lorikeet-exporter`;
const REVIEW = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
/** Verbs of objects; the others have a special meaning in some groups. */
const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
const SPECIAL_VERBS = ['impersonate', 'bind', 'escalate', 'use', 'approve', 'sign', '*'];
/** The exporter's resources. */
const READ = ['/pods', '/services', '/namespaces', 'discovery.k8s.io/endpointslices']
  .flatMap((resource) => [`list ${resource}`, `watch ${resource}`])
  .sort();
const withoutGroup = (names: readonly string[]) => names.map((name) => name.replace(/ .*\//, ' ')).sort();
const PATHS = ['/metrics', '/logs', '/api', '/apis', '/healthz', '/version', '/openapi/v2', '/debug/pprof', '/*'];

describeWith([KUBERNETES], 'with the tokens of the service accounts', () => {
  let server: RunningKubernetes;
  let dispatcher: Agent;
  beforeAll(async () => {
    server = await startKubernetes();
    dispatcher = new Agent({ connections: 16, connect: { ca: readFileSync(server.caFile, 'utf8') } });
    await settledInventory(server);
    await server.kubectl(['apply', '--server-side', '-k', 'manifests/base']);
  });
  afterAll(async () => {
    await dispatcher?.destroy();
    await server?.stop();
  });

  /** All permissions of this account in all namespaces, with one access review for each. */
  async function allowed(serviceAccount: string): Promise<ReadonlySet<string>> {
    const token = await server.token(NAMESPACE, serviceAccount);
    const ask = async (spec: object): Promise<boolean> => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const body = JSON.stringify({ apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec });
      const answer = await request(server.url + REVIEW, { dispatcher, method: 'POST', headers, body });
      return ((await answer.body.json()) as { status: { allowed: boolean } }).status.allowed;
    };
    const questions = [
      ...(await resourcesOf(server)).flatMap(({ group, name }) => {
        const [resource = '', subresource = ''] = name.split('/');
        return [...VERBS, ...SPECIAL_VERBS].map((verb) => ({
          name: `${verb} ${group}/${name}`,
          spec: { resourceAttributes: { group, resource, subresource, verb } },
        }));
      }),
      ...PATHS.flatMap((path) =>
        ['get', 'post'].map((verb) => ({ name: `${verb} ${path}`, spec: { nonResourceAttributes: { path, verb } } })),
      ),
    ];
    expect(questions.length).toBeGreaterThan(1000);
    const answers = await Promise.all(questions.map(async ({ name, spec }) => ((await ask(spec)) ? [name] : [])));
    return new Set(answers.flat());
  }

  test('the exporter may only list and watch its resources, and the scorer nothing', async () => {
    await server.kubectl(['create', 'serviceaccount', 'nobody', `--namespace=${NAMESPACE}`]);
    const everybody = await allowed('nobody');
    expect(await allowed('lorikeet-scorer')).toEqual(everybody);
    const exporter = await allowed('lorikeet-exporter');
    expect([...exporter].filter((name) => !everybody.has(name)).sort()).toEqual(READ);
    // Every account may review its own permissions and read information about the server, but no workloads.
    expect(everybody).toContain('create authorization.k8s.io/selfsubjectaccessreviews');
    expect([...everybody].filter((name) => /pods|secrets|configmaps|nodes|services$|\*/.test(name))).toEqual([]);
  }, 120_000);

  test('the exporter uses all of its permissions and no others', async () => {
    const account = new AccountFolder(server, 'account');
    account.write(await server.token(NAMESPACE, 'lorikeet-exporter'));
    const port = await freePort();
    const args = ['--kubernetes.in-cluster', '--kubernetes.node-name=node-1', `--web.listen-address=127.0.0.1:${port}`];
    const [command, ...before] = [...account.command(server.url), process.execPath, 'dist/lorikeet-exporter.js'];
    // Ready once it has listed everything.
    const exporter = await startProgram(command ?? '', [...before, ...args], `http://127.0.0.1:${port}/-/ready`);
    try {
      await vi.waitFor(async () => expect(await asked()).toEqual(withoutGroup(READ)), {
        timeout: 20_000,
        interval: 500,
      });
    } finally {
      await exporter.kill();
    }
  });

  /** The exporter's requests, without groups; errors are marked. */
  async function asked(): Promise<readonly string[]> {
    const events = (await server.auditEvents()).filter(
      // Ignore this test's own access reviews with the exporter's account.
      ({ user, resource }) => user === EXPORTER && resource !== 'selfsubjectaccessreviews',
    );
    const names = events.map(({ verb, resource, code, uri }) => `${verb} ${resource ?? uri}${code < 300 ? '' : code}`);
    return [...new Set(names)].sort();
  }
});
