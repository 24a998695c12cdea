import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { describeWith } from '../skips/describe-with.ts';
import { HELM, KUBERNETES } from '../skips/needs.ts';
import { type RunningKubernetes, startKubernetes } from '../testserver/kubernetes.ts';

describeWith([KUBERNETES], 'the Kubernetes API server of the tests', () => {
  let kubernetes: RunningKubernetes;
  let dispatcher: Agent;
  beforeAll(async () => {
    kubernetes = await startKubernetes();
    dispatcher = new Agent({ connect: { ca: readFileSync(kubernetes.caFile, 'utf8') } });
    await kubernetes.kubectl(['apply', '-f', '-'], SHOP);
  });
  afterAll(async () => {
    await dispatcher?.destroy();
    await kubernetes?.stop();
  });

  /** Sends a request with a token, like a program in a pod. */
  const ask = (token: string, path: string) =>
    request(kubernetes.url + path, { dispatcher, headers: { authorization: `Bearer ${token}` } });

  async function statusFor(token: string, path: string): Promise<number> {
    const { statusCode, body } = await ask(token, path);
    await body.dump();
    return statusCode;
  }

  /** Waits until these are the audited requests for pods of a service account. */
  const expectAudited = (serviceAccount: string, ...expected: readonly object[]): Promise<void> =>
    vi.waitFor(
      async () => {
        const user = `system:serviceaccount:shop:${serviceAccount}`;
        const events = await kubernetes.auditEvents();
        expect(events.filter((event) => event.user === user && event.resource === 'pods')).toMatchObject(expected);
      },
      { timeout: 10_000 },
    );

  test('reports its version', async () => {
    const { gitVersion } = await kubernetes.request<{ gitVersion: string }>('GET', '/version');
    expect(gitVersion).toMatch(/^v1\.\d+\.\d+$/);
  });

  test('stores pods with the status set by a test', async () => {
    const podIP = '10.1.2.3';
    await kubernetes.request('PATCH', `${PODS}/cart/status`, {
      status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }] },
    });
    const pods = await kubernetes.kubectl(['get', 'pods', '-n=shop', '-o=jsonpath={.items[*].status.podIP}']);
    expect(pods).toBe(podIP);
  });

  test('rejects pods of a missing service account', async () => {
    const pod = { metadata: { name: 'stray' }, spec: { serviceAccountName: 'stray', containers: CONTAINERS } };
    await expect(kubernetes.request('POST', PODS, pod)).rejects.toThrow(/403.*serviceaccount.*not found/s);
  });

  test('sends every change to a watch', async () => {
    const { body } = await ask(await kubernetes.token('shop', 'watcher'), `${PODS}?watch=true`);
    let seen = '';
    body.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
    });
    await kubernetes.request('PATCH', `${PODS}/cart`, { metadata: { annotations: { seen: 'by-a-watch' } } });
    await vi.waitFor(() => expect(seen).toContain('by-a-watch'), { timeout: 10_000 });
    // It continues; after its end it still counts as one request.
    const watch = { verb: 'watch', namespace: 'shop', code: 200 };
    await expectAudited('watcher', watch);
    body.on('error', () => undefined).destroy();
    expect(await statusFor(await kubernetes.token('shop', 'watcher'), PODS)).toBe(200);
    await expectAudited('watcher', watch, { verb: 'list' });
  });

  test('allows a service account only what its role allows', async () => {
    const token = await kubernetes.token('shop', 'reader', { seconds: 600 });
    expect(await statusFor(token, PODS)).toBe(200);
    expect(await statusFor(token, '/api/v1/namespaces/shop/secrets')).toBe(403);
    expect(await statusFor(`${token}x`, PODS)).toBe(401);
  });

  test('counts requests by user, verb and resource', async () => {
    const kubeconfig = await kubernetes.kubeconfigFor('shop', 'observer');
    await kubernetes.kubectl([`--kubeconfig=${kubeconfig}`, 'get', 'pods', '-n=shop']);
    await expectAudited('observer', { verb: 'list', namespace: 'shop', code: 200 });
  });

  test('lets helm install a chart with the version of Kubernetes', async ({ skip }) => {
    skip(HELM.isMissing(), HELM.lack);
    await kubernetes.helm(['install', 'greeting', chart(kubernetes.folder), '--namespace=shop']);
    const { data } = await kubernetes.request<{ data: unknown }>('GET', '/api/v1/namespaces/shop/configmaps/greeting');
    const { gitVersion } = await kubernetes.request<{ gitVersion: string }>('GET', '/version');
    expect(data).toEqual({ kubernetes: gitVersion });
  });

  test('keeps its data through a crash, and forgets old versions on request', async () => {
    const { metadata } = await kubernetes.request<List>('GET', PODS);
    const token = await kubernetes.token('shop', 'reader');
    await kubernetes.kubectl(['create', 'configmap', 'later', '-n=shop']);
    await kubernetes.compact();
    await kubernetes.crash();
    await expect(kubernetes.request('GET', PODS)).rejects.toThrow();
    await kubernetes.restart();
    expect((await kubernetes.request<List>('GET', PODS)).items.map((pod) => pod.metadata.name)).toEqual(['cart']);
    expect(await statusFor(token, PODS)).toBe(200);
    const watch = await ask(token, `${PODS}?watch=true&resourceVersion=${metadata.resourceVersion}`);
    expect(await watch.body.text()).toContain('410');
  });
});

/** A chart below `parent` with one object, which has the Kubernetes version known to helm. */
function chart(parent: string): string {
  const folder = join(parent, 'chart');
  mkdirSync(join(folder, 'templates'), { recursive: true });
  writeFileSync(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: greeting\nversion: 1.0.0\n');
  const template = `apiVersion: v1
kind: ConfigMap
metadata: { name: greeting }
data: { kubernetes: {{ .Capabilities.KubeVersion.Version | quote }} }
`;
  writeFileSync(join(folder, 'templates/greeting.yaml'), template);
  return folder;
}

interface List {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}

const PODS = '/api/v1/namespaces/shop/pods';
const CONTAINERS = [{ name: 'cart', image: 'cart' }];

/** A pod, and service accounts that may read pods. */
const SHOP = `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: default, namespace: shop }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: reader, namespace: shop }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: watcher, namespace: shop }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: observer, namespace: shop }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: pod-reader, namespace: shop }
rules:
  - { apiGroups: [''], resources: [pods], verbs: [get, list, watch] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: pod-reader, namespace: shop }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: pod-reader }
subjects:
  - { kind: ServiceAccount, name: reader, namespace: shop }
  - { kind: ServiceAccount, name: watcher, namespace: shop }
  - { kind: ServiceAccount, name: observer, namespace: shop }
---
apiVersion: v1
kind: Pod
metadata: { name: cart, namespace: shop }
spec: { containers: [{ name: cart, image: cart }] }
`;
