import { isDeepStrictEqual } from 'node:util';
import { vi } from 'vitest';
import type { RunningKubernetes } from '../testserver/kubernetes.ts';

export interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** Empty for the core group. */
  readonly group: string;
  readonly groupVersion: string;
}

interface Groups {
  readonly groups: readonly { readonly name: string; readonly preferredVersion: { readonly groupVersion: string } }[];
}

type Server = Pick<RunningKubernetes, 'request'>;

/** Every resource of the API server, including subresources. */
export async function resourcesOf(server: Server): Promise<readonly Resource[]> {
  const { groups } = await server.request<Groups>('GET', '/apis');
  const versions = [
    { group: '', groupVersion: 'v1', path: '/api/v1' },
    ...groups.map(({ name, preferredVersion: { groupVersion } }) => ({
      group: name,
      groupVersion,
      path: `/apis/${groupVersion}`,
    })),
  ];
  const lists = versions.map(async ({ path, group, groupVersion }) => {
    const { resources } = await server.request<{ resources: readonly Resource[] }>('GET', path);
    return resources.map((resource) => ({ ...resource, group, groupVersion }));
  });
  return (await Promise.all(lists)).flat();
}

/** Resources that the server creates itself at any time. */
const ITS_OWN = ['events', 'leases', 'componentstatuses', 'apiservices', 'ipaddresses'];

/** Every object on the server: path -> version, which changes with the object. */
export async function inventory(server: Server): Promise<Readonly<Record<string, string>>> {
  const listed = (await resourcesOf(server)).filter(
    ({ name, verbs }) => verbs.includes('list') && !ITS_OWN.includes(name),
  );
  const lists = listed.map(async ({ groupVersion, name, group }) => {
    const path = group === '' ? `/api/${groupVersion}/${name}` : `/apis/${groupVersion}/${name}`;
    const { items } = await server.request<{ items: readonly Listed[] }>('GET', path);
    return items.map(({ metadata }) => [
      [group, name, metadata.namespace ?? '', metadata.name].join('/'),
      metadata.resourceVersion,
    ]);
  });
  return Object.fromEntries((await Promise.all(lists)).flat()) as Record<string, string>;
}

/** The inventory of a new server, once it has created its own objects. */
export async function settledInventory(server: Server): Promise<Readonly<Record<string, string>>> {
  let last: Readonly<Record<string, string>> = {};
  return vi.waitFor(
    async () => {
      // Rejected while a new kind is established but not served.
      const now = await inventory(server);
      const settled = isDeepStrictEqual(now, last);
      last = now;
      if (!settled) throw new Error('the server is still creating its own objects');
      return now;
    },
    { timeout: 45_000, interval: 1500 },
  );
}

interface Listed {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly resourceVersion: string };
}

/**
 * Finalizes deleted namespaces once they are empty, in place of the missing controller.
 */
export async function finalizeNamespaces(server: Server): Promise<void> {
  const { items } = await server.request<{ items: readonly Listed[] }>(
    'GET',
    '/api/v1/namespaces?fieldSelector=status.phase%3DTerminating',
  );
  const left = await inventory(server);
  for (const { metadata } of items) {
    const { name } = metadata;
    const inside = Object.keys(left).filter((place) => place.split('/')[2] === name);
    if (inside.length > 0) throw new Error(`still in ${name}: ${inside.join(', ')}`);
    await server.request('PUT', `/api/v1/namespaces/${name}/finalize`, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
      spec: { finalizers: [] },
    });
  }
}
