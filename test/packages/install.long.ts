import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../scripts/free-port.ts';
import { describeWith } from '../skips/describe-with.ts';
import { DEBOOTSTRAP, RELEASE } from '../skips/needs.ts';
import { startProgram } from '../testserver/prometheus.ts';
import { DebianRoot, startOf } from './debian-root.ts';
import { archiveOf, debOf, olderDeb, OUT, type Program, PROGRAMS } from './release.ts';

/* A release, from its files alone, on machines without Node.js and compilers. */

const metric = (program: Program) => (program === 'lorikeet-exporter' ? 'lorikeet_exporter' : 'lorikeet_scorer');
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };

/** Starts a program as its unit would, and asks it for its health and metrics. */
async function runUnit(root: DebianRoot, unit: string, watch: (metrics: string, pid: number) => void): Promise<void> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const [command, ...args] = root.command(startOf(root.read(unit), `--web.listen-address=127.0.0.1:${port}`));
  const program = await startProgram(command, args, `${url}/-/healthy`);
  try {
    watch(await (await fetch(`${url}/metrics`)).text(), program.pid);
  } finally {
    await program.kill();
  }
}

/** Checks a running program: who it is, what it may, what it is made of. */
function expectProgram(root: DebianRoot, program: Program) {
  const printed = root.run(program, '--version');
  expect(printed).toMatch(new RegExp(`^${program}, version ${version} `));
  expect(printed).toMatch(/^ {2}node version: +v24\./m);
  return (metrics: string, pid: number): void => {
    const uid = root.run('id', '-u', program).trim();
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    expect(status).toMatch(new RegExp(`^Uid:\t${uid}\t${uid}\t${uid}\t${uid}$`, 'm'));
    expect(status).toMatch(/^CapEff:\t0+$/m);
    const build = metrics.split('\n').find((line) => line.startsWith(`${metric(program)}_build_info{`)) ?? '';
    const values = [...build.matchAll(/="([^"]+)"/g)].map(([, value]) => value);
    expect(values.length).toBe(5);
    for (const value of values) expect(printed).toContain(value);
    if (program === 'lorikeet-exporter') {
      expect(metrics).toMatch(/^lorikeet_exporter_collector_success\{collector="requests"\} 1$/m);
    } else {
      // The shipped model is complete, and the engine runs.
      expect(metrics).toMatch(/^lorikeet_scorer_model_damaged 0$/m);
    }
  };
}

describeWith([DEBOOTSTRAP, RELEASE], 'a release', () => {
  test('the sums are those of the files, and no file is without', () => {
    execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: OUT });
    const listed = readFileSync(join(OUT, 'SHA256SUMS'), 'utf8').matchAll(/^[0-9a-f]{64} {2}(.+)$/gm);
    const files = readdirSync(OUT).filter((name) => name !== 'SHA256SUMS');
    expect([...listed].map(([, name]) => name)).toEqual(files.toSorted());
  });

  // Half a minute of processor time for each.
  test.each(PROGRAMS)('lintian has nothing to say about %s', { timeout: 600_000 }, (program) => {
    const args = ['--allow-root', '--fail-on=error,warning', debOf(program)];
    const { status, stdout } = spawnSync('lintian', args, { encoding: 'utf8' });
    expect([stdout, status]).toEqual(['', 0]);
  });
});

for (const suite of ['bookworm', 'bullseye'] as const) {
  describeWith([DEBOOTSTRAP, RELEASE], `on Debian ${suite}`, () => {
    let root: DebianRoot;
    let folder: string;
    let before: readonly string[];
    beforeAll(() => {
      root = new DebianRoot(suite);
      folder = mkdtempSync(join(tmpdir(), 'lorikeet-packages-'));
      before = root.snapshot();
    });
    afterAll(() => {
      root.remove();
      rmSync(folder, { recursive: true });
    });
    const dpkg = (...args: readonly string[]) => root.run('dpkg', ...args);
    const install = (file: string): void => {
      cpSync(file, root.path('/tmp/package.deb'));
      dpkg('--install', '/tmp/package.deb');
    };

    test('there is neither Node.js nor a compiler', () => {
      for (const name of ['node', 'nodejs', 'npm', 'gcc', 'g++', 'clang', 'make']) {
        expect([name, root.try('sh', '-c', `command -v ${name}`).status]).not.toEqual([name, 0]);
      }
    });

    test('an older version can be installed, and is configured by its files', () => {
      for (const program of PROGRAMS) install(olderDeb(program, folder));
      const scorer = root.read('/etc/lorikeet/scorer.yaml');
      writeFileSync(root.path('/etc/lorikeet/scorer.yaml'), scorer.replace('interval: 1m', 'interval: 30s'));
      writeFileSync(root.path('/etc/lorikeet/targets.yaml'), 'targets: [] # ours\n');
      writeFileSync(root.path('/var/lib/lorikeet/learned'), 'something');
    });

    test('an upgrade keeps what was edited and what was learned, and renews the other files', () => {
      for (const program of PROGRAMS) {
        expect(root.read(`/etc/default/${program}`)).toContain('An earlier default.');
        install(debOf(program));
        expect(root.read(`/etc/default/${program}`)).not.toContain('An earlier default.');
      }
      expect(root.read('/etc/lorikeet/scorer.yaml')).toContain('interval: 30s');
      expect(root.read('/etc/lorikeet/targets.yaml')).toContain('# ours');
      expect(root.read('/var/lib/lorikeet/learned')).toBe('something');
      expect(dpkg('--audit')).toBe('');
    });

    test('files belong to root and nobody else can write them; the state belongs to the scorer', () => {
      for (const program of PROGRAMS) {
        const listed = dpkg('--listfiles', program).trim().split('\n').slice(1);
        const script = 'for path; do stat --format "%U:%G %A %n" "$path"; done';
        const stats = root
          .run('sh', '-c', script, 'sh', ...listed)
          .trim()
          .split('\n');
        expect(stats.length).toBe(listed.length);
        const others = stats.filter((line) => !/^root:root (l|[-d]r[w-][x-]r-[x-]r-[x-] )/.test(line));
        const state = 'lorikeet-scorer:lorikeet-scorer drwxr-x--- /var/lib/lorikeet';
        expect(others).toEqual(program === 'lorikeet-scorer' ? [state] : []);
        expect(root.run('getent', 'passwd', program)).toMatch(/:\/usr\/sbin\/nologin$/m);
        expect(root.has(`/etc/systemd/system/multi-user.target.wants/${program}.service`)).toBe(true);
        expect(dpkg('--verify', program)).not.toContain('missing');
      }
    });

    test.each(PROGRAMS)('%s reports its version, and runs as its unit starts it', async (program) => {
      await runUnit(root, `/lib/systemd/system/${program}.service`, expectProgram(root, program));
    });

    test('removal keeps configuration and state, purging leaves nothing', () => {
      dpkg('--remove', ...PROGRAMS);
      expect(root.read('/etc/lorikeet/targets.yaml')).toContain('# ours');
      expect(root.has('/var/lib/lorikeet/learned')).toBe(true);
      expect(root.has('/usr/lib/lorikeet-scorer')).toBe(false);
      dpkg('--purge', ...PROGRAMS);
      expect(root.snapshot()).toEqual(before);
    });

    test.each(PROGRAMS)('the archive of %s runs where it is unpacked, by a link', async (program) => {
      execFileSync('tar', ['-xzf', archiveOf(program), '-C', root.path('/opt')]);
      const unpacked = `/opt/${readdirSync(root.path('/opt')).find((name) => name.startsWith(program))}`;
      root.run('ln', '-s', `${unpacked}/${program}`, `/usr/local/bin/${program}`);
      root.run('cp', '-r', `${unpacked}/etc/.`, '/etc');
      root.run('useradd', '--system', '--user-group', '--shell=/usr/sbin/nologin', program);
      root.run('install', '-d', '-o', program, '/var/lib/lorikeet');
      expect(existsSync(root.path(`${unpacked}/THIRD-PARTY-LICENSES.txt`))).toBe(true);
      await runUnit(root, `${unpacked}/${program}.service`, expectProgram(root, program));
    });
  });
}
