import { lstatSync, mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCgroupMount } from '../../exporter/cgroups/cgroup.ts';
import { RunningProgram, serving } from '../running-program.ts';
import { COMMON, reloadUntil } from './happenings.ts';
import type { Contestant, Happening } from './races.ts';

/** Pods whose cgroups come and go. */
const PODS = ['a', 'b', 'c'];
const INVALID = ['targets: [\n', 'target: []\n', 'targets: [{ namespace: shop }]\n', '\0'];

/** The exporter, its targets file and the cgroups of its pods. */
export class RacingExporter implements Contestant {
  readonly name = 'exporter';
  readonly mayLog = /targets file rejected|no cgroup at|targets have no cgroup|targets without/;
  readonly #folder = mkdtempSync(join(tmpdir(), 'lorikeet-races-'));
  readonly #cgroup = join(findCgroupMount(), `lorikeet-races-${process.pid}`);
  /** Number of targets without a cgroup in the file that was written last: it stands for the whole of it. */
  #absent = 0;

  constructor() {
    mkdirSync(this.#cgroup);
    this.#write();
  }

  get happenings(): Readonly<Record<string, Happening>> {
    const pod = (uniform: number) => join(this.#cgroup, PODS[Math.floor(uniform * PODS.length)] ?? '');
    return {
      ...COMMON,
      'targets renamed into place': () => this.#write(),
      'targets written in place': () => {
        if (lstatSync(this.#file, { throwIfNoEntry: false })?.isSymbolicLink() === true) rmSync(this.#file);
        writeFileSync(this.#file, this.#next());
      },
      'invalid targets': (_, random) => {
        this.#replace(INVALID[Math.floor(random.uniform() * INVALID.length)] ?? '');
      },
      'no targets file': () => rmSync(this.#file, { force: true }),
      'a targets file that is a link to itself': () => {
        rmSync(this.#file, { force: true });
        symlinkSync('targets.yaml', this.#file);
      },
      'a cgroup appears': (_, random) => void mkdirSync(pod(random.uniform()), { recursive: true }),
      'a cgroup goes': (_, random) => removeCgroup(pod(random.uniform())),
    };
  }

  async start() {
    this.#write();
    return await RunningProgram.start(serving('exporter', this.#flags), { cwd: this.#folder });
  }

  launch() {
    this.#write();
    return RunningProgram.launch(serving('exporter', this.#flags), { cwd: this.#folder });
  }

  async settle(program: RunningProgram): Promise<void> {
    for (const name of PODS) mkdirSync(join(this.#cgroup, name), { recursive: true });
    this.#write();
    await reloadUntil(program, async () => {
      const absent = await program.value('lorikeet_exporter_targets_without_cgroup');
      return absent === this.#absent && (await program.value('lorikeet_exporter_targets_last_reload_successful')) === 1;
    });
  }

  remove(): void {
    for (const name of PODS) removeCgroup(join(this.#cgroup, name));
    rmdirSync(this.#cgroup);
    rmSync(this.#folder, { recursive: true });
  }

  get #file(): string {
    return join(this.#folder, 'targets.yaml');
  }

  get #flags(): readonly string[] {
    return ['--web.enable-lifecycle', `--targets.file=${this.#file}`];
  }

  #next(): string {
    this.#absent = (this.#absent % 30) + 1;
    const absent = Array.from({ length: this.#absent }, (_, number) => `absent-${number}`);
    const below = this.#cgroup.slice(findCgroupMount().length);
    const entries = [...PODS, ...absent].map(
      (name) => `  - { namespace: races, service: ${name}, cgroup: ${below}/${name} }\n`,
    );
    return `targets:\n${entries.join('')}`;
  }

  #write(): void {
    this.#replace(this.#next());
  }

  #replace(text: string): void {
    writeFileSync(`${this.#file}.new`, text);
    renameSync(`${this.#file}.new`, this.#file);
  }
}

function removeCgroup(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
