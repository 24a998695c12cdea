import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cgroupMounts } from '../../daemon/cgroup-mount.ts';
import { COLLECTORS } from '../../exporter/collectors/all.ts';
import { freePort } from '../../scripts/free-port.ts';
import { describeWith } from '../skips/describe-with.ts';
import { BUILDAH, RELEASE } from '../skips/needs.ts';
import { startProgram } from '../testserver/prometheus.ts';
import { imageOf } from './release.ts';

/* The images of a release, in containers with the security contexts of the chart. */

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };

/** The cgroup of the containers, in each hierarchy. */
const PARENT = `lorikeet-images-${process.pid}`;

interface SecurityContext {
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly readOnlyRootFilesystem?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] };
}

interface PodSpec {
  readonly securityContext: SecurityContext;
  readonly containers: readonly { readonly securityContext: SecurityContext; readonly args: readonly string[] }[];
}

/** podman's flags for the security contexts of a workload's pod and container. */
function securityFlags(manifest: string): string[] {
  const { spec } = load(readFileSync(manifest, 'utf8')) as { spec: { template: { spec: PodSpec } } };
  const pod = spec.template.spec;
  const context = { ...pod.securityContext, ...pod.containers[0]?.securityContext };
  return [
    `--user=${context.runAsUser}:${context.runAsGroup}`,
    ...(context.readOnlyRootFilesystem === true ? ['--read-only'] : []),
    ...(context.allowPrivilegeEscalation === false ? ['--security-opt=no-new-privileges'] : []),
    ...(context.capabilities?.drop ?? []).map((name) => `--cap-drop=${name}`),
    ...(context.capabilities?.add ?? []).map((name) => `--cap-add=${name}`),
  ];
}

/** The default profile as runtimes have it since 2022 (docs/privileges.md): bpf() with CAP_BPF. Debian 12's is older. */
function seccompProfile(): string {
  interface Rule {
    readonly names: readonly string[];
    readonly includes?: object;
    readonly excludes?: { readonly caps?: readonly string[] };
  }
  const text = readFileSync('/usr/share/containers/seccomp.json', 'utf8');
  const profile = JSON.parse(text) as { readonly syscalls: readonly Rule[] };
  const calls = { bpf: 'CAP_BPF', perf_event_open: 'CAP_PERFMON' };
  const others = profile.syscalls.map((rule) =>
    rule.excludes?.caps === undefined
      ? rule
      : { ...rule, names: rule.names.filter((name) => !Object.hasOwn(calls, name)) },
  );
  const added = Object.entries(calls).map(([name, capability]) => {
    return { names: [name], action: 'SCMP_ACT_ALLOW', args: [], includes: { caps: [capability] }, excludes: {} };
  });
  return JSON.stringify({ ...profile, syscalls: [...others, ...added] });
}

describeWith([BUILDAH, RELEASE], 'an image', () => {
  let folder: string;
  let storage: string[];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lorikeet-oci-'));
    storage = [`--root=${join(folder, 'storage')}`, `--runroot=${join(folder, 'run')}`, '--storage-driver=overlay'];
    for (const image of ['exporter', 'scorer', 'sim'] as const) {
      const loaded = execFileSync('podman', [...storage, 'load', '--quiet', `--input=${imageOf(image)}`], {
        encoding: 'utf8',
      });
      expect(loaded).toContain(`localhost/lorikeet-${image}:${version}`);
    }
    writeFileSync(join(folder, 'seccomp.json'), seccompProfile());
  });
  afterAll(() => {
    execFileSync('podman', [...storage, 'rmi', '--all', '--force'], { stdio: 'ignore' });
    rmSync(folder, { recursive: true, force: true });
    // podman leaves the containers' cgroups.
    const cgroups = cgroupMounts().map(({ path }) => join(path, PARENT));
    for (const path of cgroups.filter((cgroup) => existsSync(cgroup))) {
      execFileSync('find', [path, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';']);
    }
  });

  /** A container's command; it uses this machine's network. */
  const container = (name: string, flags: readonly string[], args: readonly string[]): [string, ...string[]] => {
    const runtime = ['--runtime=runc', '--cgroup-manager=cgroupfs'];
    const parent = `--cgroup-parent=/${PARENT}`;
    const limits = ['--ulimit=nofile=1024:1024', '--ulimit=nproc=1000:1000'];
    const run = ['run', '--rm', parent, '--pull=never', '--network=host', ...limits];
    const seccomp = `--security-opt=seccomp=${join(folder, 'seccomp.json')}`;
    return [
      'podman',
      ...storage,
      ...runtime,
      ...run,
      seccomp,
      ...flags,
      `localhost/lorikeet-${name}:${version}`,
      ...args,
    ];
  };

  async function running(
    name: string,
    flags: readonly string[],
    args: readonly string[],
    watch: (metrics: string) => void,
  ): Promise<void> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const label = `lorikeet-${name}-${process.pid}`;
    const all = container(name, [`--name=${label}`, ...flags], [...args, `--web.listen-address=127.0.0.1:${port}`]);
    const [command, ...rest] = all;
    const program = await startProgram(command, rest, `${url}/-/healthy`);
    try {
      watch(await (await fetch(`${url}/metrics`)).text());
    } finally {
      execFileSync('podman', [...storage, 'rm', '--force', '--time=5', label], { stdio: 'ignore' });
      await program.kill();
    }
  }

  const CGROUPS = ['-v=/sys/fs/cgroup:/host/sys/fs/cgroup:ro'];
  const OF_CGROUPS = ['--path.cgroupfs=/host/sys/fs/cgroup'];

  test('of the exporter counts with the capabilities of the chart', async () => {
    const flags = securityFlags('manifests/base/exporter/daemonset.yaml');
    expect(flags).toEqual(expect.arrayContaining(['--user=65532:65532', '--cap-drop=ALL', '--cap-add=BPF']));
    await running('exporter', [...flags, ...CGROUPS], OF_CGROUPS, (metrics) => {
      const collectors = metrics.match(/^lorikeet_exporter_collector_success\{.* 1$/gm) ?? [];
      expect(collectors.length).toBe(COLLECTORS.filter(({ offBecause }) => offBecause === undefined).length);
      expect(metrics).toMatch(/^lorikeet_exporter_build_info\{.*node_version="v24\./m);
    });
  });

  test('of the exporter says what it lacks without them', () => {
    const flags = securityFlags('manifests/base/exporter/daemonset.yaml').filter((flag) => flag !== '--cap-add=BPF');
    const [command, ...rest] = container('exporter', [...flags, ...CGROUPS], OF_CGROUPS);
    expect(() => execFileSync(command, rest, { encoding: 'utf8', stdio: 'pipe' })).toThrow('missing CAP_BPF');
  });

  test('of the scorer scores with the security context of the chart', async () => {
    const config = { prometheus: { url: 'http://127.0.0.1:9' }, output: 'metrics', state_dir: '/var/lib/lorikeet' };
    writeFileSync(join(folder, 'scorer.yaml'), JSON.stringify(config));
    const flags = [
      ...securityFlags('manifests/base/scorer/statefulset.yaml'),
      `-v=${join(folder, 'scorer.yaml')}:/etc/lorikeet/scorer.yaml:ro`,
      '--mount=type=tmpfs,destination=/var/lib/lorikeet,U=true',
    ];
    expect(flags).toEqual(
      expect.arrayContaining(['--read-only', '--security-opt=no-new-privileges', '--cap-drop=ALL']),
    );
    await running('scorer', flags, ['run', '--config.file=/etc/lorikeet/scorer.yaml'], (metrics) => {
      expect(metrics).toMatch(/^lorikeet_scorer_model_damaged 0$/m);
      expect(metrics).toMatch(/^lorikeet_scorer_build_info\{.*node_version="v24\./m);
    });
  });
});
