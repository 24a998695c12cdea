import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { Cluster } from '../cluster.ts';
import { SIM_IMAGE } from '../images/images.ts';

const SIM = '/usr/lib/lorikeet/dist/lorikeet-sim.js';
/** Where its services listen. */
const PORT = 8080;
/** Services with two pods, on both nodes. */
const REPLICATED = ['frontend', 'cart', 'recommendation'] as const;
export const SHOP_SERVICES = [
  'frontend',
  'catalog',
  'catalog-db',
  'cart',
  'cart-db',
  'recommendation',
  'ad',
  'currency',
  'checkout',
  'payment',
  'shipping',
] as const;

/** The simulated web shop in a cluster, as the guide deploys it. */
export class Shop {
  readonly #cluster: Cluster;
  readonly #folder: string;

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#folder = join(cluster.machine.folder, 'shop');
  }

  /** Resolves when all of its pods are ready. */
  static async deploy(cluster: Cluster): Promise<Shop> {
    const shop = new Shop(cluster);
    mkdirSync(shop.#folder);
    const [newName = '', newTag = ''] = SIM_IMAGE.split(/:(?=[^:]*$)/);
    const kustomization = {
      resources: [relative(shop.#folder, resolve('manifests/microsim'))],
      images: [{ name: 'lorikeet-sim', newName, newTag }],
      replicas: REPLICATED.map((name) => ({ name, count: 2 })),
    };
    writeFileSync(join(shop.#folder, 'kustomization.yaml'), JSON.stringify(kustomization));
    await cluster.kubectl(['apply', '-k', shop.#folder]);
    await shop.isReady();
    return shop;
  }

  async isReady(): Promise<void> {
    for (const service of [...SHOP_SERVICES, 'load']) {
      await this.#kubectl('rollout', 'status', `deployment/${service}`, '--timeout=300s');
    }
  }

  /** Slows all requests of a service down. @param delay in milliseconds */
  async slowDown(service: string, delay = 300): Promise<void> {
    await this.#inject(service, 'latency', `--delay=${delay}`);
  }

  async clear(service: string): Promise<void> {
    await this.#inject(service, '--clear');
  }

  /** Replaces the pods of a service by those of another image. Resolves when they are ready. */
  async roll(service: string, image: string): Promise<void> {
    await this.#kubectl('set', 'image', `deployment/${service}`, `${service}=${image}`);
    await this.#kubectl('rollout', 'status', `deployment/${service}`, '--timeout=300s');
  }

  async scale(service: string, replicas: number): Promise<void> {
    await this.#kubectl('scale', `deployment/${service}`, `--replicas=${replicas}`);
    await this.#kubectl('rollout', 'status', `deployment/${service}`, '--timeout=300s');
  }

  /** Asks one pod from inside: clients that keep their connections need not ever ask each of many replicas. */
  async ask(pod: string): Promise<void> {
    const request = `fetch('http://127.0.0.1:${PORT}/', { method: 'POST', body: '{}' })`;
    await this.#kubectl('exec', pod, '--', 'node', '-e', `${request}.then((answer) => answer.text())`);
  }

  async remove(): Promise<void> {
    await this.#cluster.kubectl(['delete', '-k', this.#folder, '--timeout=300s']);
  }

  async #inject(service: string, ...fault: readonly string[]): Promise<void> {
    await this.#kubectl('exec', `deployment/${service}`, '--', 'node', SIM, 'inject', ...fault);
  }

  #kubectl(...args: readonly string[]): Promise<string> {
    return this.#cluster.kubectl(['-n', 'shop', ...args]);
  }
}
