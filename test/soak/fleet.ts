import { entry, writeTargets } from '../exporter/shop.ts';
import type { Exporter } from '../exporter/program.ts';
import type { Cgroup } from '../kernel/sandbox/sandbox.ts';

/** The current pods, in the exporter's targets file. */
export class Fleet {
  readonly exporter: Exporter;
  readonly #path: string;
  readonly #entries = new Map<string, string>();
  #pods = 0;

  /** The exporter reads the targets file at `path`. */
  constructor(path: string, exporter: Exporter) {
    this.#path = path;
    this.exporter = exporter;
  }

  /** Number of pods since the start. */
  get pods(): number {
    return this.#pods;
  }

  know(service: string, cgroup: Cgroup): void {
    this.#pods++;
    this.#entries.set(cgroup.path, entry(service, cgroup));
    this.#write();
  }

  forget(cgroup: Cgroup): void {
    this.#entries.delete(cgroup.path);
    this.#write();
  }

  #write(): void {
    const lines = [...this.#entries.values()];
    writeTargets(this.#path, lines.length === 0 ? 'targets: []\n' : `targets:\n${lines.join('')}`);
  }

  /** The samples of one service, by series. */
  async samplesOf(service: string): Promise<Readonly<Record<string, number>>> {
    const samples = await this.exporter.samples('lorikeet_');
    return Object.fromEntries(Object.entries(samples).filter(([line]) => line.includes(`service="${service}"`)));
  }
}
