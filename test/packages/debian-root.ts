import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ENTER = 'test/packages/enter-root.sh';

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A fresh Debian, without Node.js and compilers, that shares this machine's kernel. */
export class DebianRoot {
  readonly folder: string;

  /** @param packages in addition to the least ones */
  constructor(suite: string, packages: readonly string[] = []) {
    const script = ['scripts/package/debian-root.sh', suite, packages.join()];
    const archive = execFileSync('bash', script, { encoding: 'utf8' }).trim();
    this.folder = mkdtempSync(join(tmpdir(), `lorikeet-debian-${suite}-`));
    execFileSync('tar', ['--numeric-owner', '-xpf', archive, '-C', this.folder]);
    execFileSync('chmod', ['755', this.folder]);
  }

  path(path: string): string {
    return join(this.folder, path);
  }

  has(path: string): boolean {
    return lstatSync(this.path(path), { throwIfNoEntry: false }) !== undefined;
  }

  read(path: string): string {
    return readFileSync(this.path(path), 'utf8');
  }

  /** The command that runs a program in it. */
  command(args: readonly string[]): [string, ...string[]] {
    return ['unshare', '--mount', 'sh', ENTER, this.folder, ...args];
  }

  try(...args: readonly string[]): Ran {
    const [program, ...rest] = this.command(args);
    const { status, stdout, stderr } = spawnSync(program, rest, { encoding: 'utf8' });
    return { status, stdout, stderr };
  }

  /** @throws Error with the output if it fails */
  run(...args: readonly string[]): string {
    const { status, stdout, stderr } = this.try(...args);
    if (status !== 0) throw new Error(`${args.join(' ')}: status ${status}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Every path but those of dpkg's and the kernel's own, with owner, mode and destination; users and groups. */
  snapshot(): string[] {
    const walk = (folder: string): string[] =>
      readdirSync(this.path(folder), { withFileTypes: true }).flatMap((entry) => {
        const path = join(folder, entry.name);
        if (KEPT.some((kept) => path === kept || path.startsWith(`${kept}/`))) return [];
        const { mode, uid, gid } = lstatSync(this.path(path));
        const to = entry.isSymbolicLink() ? ` -> ${readlinkSync(this.path(path))}` : '';
        return [`${path} ${mode.toString(8)} ${uid}:${gid}${to}`, ...(entry.isDirectory() ? walk(path) : [])];
      });
    const accounts = ['passwd', 'group', 'shadow', 'gshadow'].flatMap((name) => this.read(`/etc/${name}`).split('\n'));
    return [...walk('/'), ...accounts].toSorted();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The kernel's; what a boot clears; what dpkg keeps of every package, and the account tools of every change. */
const KEPT = [
  '/proc',
  '/run',
  '/sys',
  '/dev',
  '/tmp',
  '/var/lib/dpkg',
  '/var/log',
  '/var/cache',
  '/etc/passwd-',
  '/etc/group-',
  '/etc/shadow-',
  '/etc/gshadow-',
  '/etc/.pwd.lock',
];

/** Settings of a unit file, the last of each. */
export function unitSettings(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(/^([A-Za-z]+)=(.*)$/gm)].map(([, key = '', value = '']) => [key, value]));
}

/** A command line that starts a unit's program as systemd would: its user, its capabilities, its variables. */
export function startOf(text: string, extra: string): string[] {
  const settings = unitSettings(text);
  const user = settings.get('User') ?? 'root';
  const capabilities = (setting: string) =>
    ['-all', ...(settings.get(setting) ?? '').split(' ').flatMap(capabilityNumber)].join(',');
  const ambient = capabilities('AmbientCapabilities');
  const shell = `. ${(settings.get('EnvironmentFile') ?? '').replace('-', '')}; exec ${settings.get('ExecStart')} ${extra}`;
  return [
    'setpriv',
    `--reuid=${user}`,
    `--regid=${user}`,
    '--clear-groups',
    '--no-new-privs',
    `--inh-caps=${ambient}`,
    `--ambient-caps=${ambient}`,
    `--bounding-set=${capabilities('CapabilityBoundingSet')}`,
    'sh',
    '-c',
    shell,
  ];
}

/** By number: Debian 11's setpriv does not know the names. linux/capability.h. */
function capabilityNumber(name: string): string[] {
  const numbers: Readonly<Record<string, number>> = { CAP_PERFMON: 38, CAP_BPF: 39 };
  if (name === '') return [];
  if (numbers[name] === undefined) throw new Error(`expected CAP_BPF or CAP_PERFMON, got ${name}`);
  return [`+cap_${numbers[name]}`];
}
