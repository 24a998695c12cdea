import { describe, expect, it } from 'vitest';
import { parseFlags } from '../daemon/flags.ts';
import { FLAGS, readConfig } from './config.ts';
import { COLLECTOR_NAMES, COLLECTORS } from './collectors/all.ts';

const configOf = (argv: readonly string[], environment: NodeJS.ProcessEnv = {}) =>
  readConfig(parseFlags(argv, FLAGS).values, environment);

const OFF = COLLECTORS.flatMap(({ name, offBecause }) => (offBecause === undefined ? [] : [name]));
const DEFAULT = COLLECTOR_NAMES.filter((name) => !OFF.includes(name));

describe('readConfig', () => {
  it('has defaults', () => {
    expect(configOf([])).toEqual({
      listenAddress: ':9400',
      webConfigFile: undefined,
      enableLifecycle: false,
      probesWithoutPassword: false,
      enableNativeHistograms: false,
      targetsFile: undefined,
      systemd: undefined,
      kubernetes: undefined,
      cgroupfs: undefined,
      bpfObject: undefined,
      maxServices: 4096,
      maxEdges: 16384,
      maxExternalNames: 100,
      maxPorts: 20,
      collectors: new Set(DEFAULT),
      statusPorts: [],
    });
  });

  it('enables the collectors that are disabled by default', () => {
    const config = configOf(OFF.map((name) => `--collector.${name}`));
    expect(config.collectors).toEqual(new Set(COLLECTOR_NAMES));
  });

  it('disables collectors', () => {
    const config = configOf(['--no-collector.edges', '--no-collector.target_info', '--collector.requests']);
    expect([...config.collectors]).toEqual(DEFAULT.filter((name) => name !== 'edges' && name !== 'target_info'));
  });

  it('counts responses by status on chosen ports only, which enables the collector', () => {
    const config = configOf(['--collector.http_status.ports=80, 8080,80']);
    expect(config.statusPorts).toEqual([80, 8080]);
    expect(config.collectors).toEqual(new Set([...DEFAULT, 'http_status']));
  });

  it('counts system calls only if enabled, and documents the cost', () => {
    expect(configOf([]).collectors).not.toContain('syscalls');
    expect(configOf(['--collector.syscalls']).collectors).toContain('syscalls');
    expect(FLAGS['collector.syscalls'].help).toMatch(/disabled by default: .* \d+ ns/);
  });

  it.each([
    [['--kubernetes.in-cluster'], { NODE_NAME: 'n1' }, { kubeconfig: undefined, nodeName: 'n1', monitorDefault: true }],
    [
      ['--kubernetes.kubeconfig=k', '--kubernetes.node-name=n2', '--monitor.default=none'],
      { NODE_NAME: 'n1' },
      { kubeconfig: 'k', nodeName: 'n2', monitorDefault: false },
    ],
  ])('gets pods with %o and %o', (argv, environment, kubernetes) =>
    expect(configOf(argv, environment).kubernetes).toEqual(kubernetes),
  );

  it.each(['', 'http', '80,', '0', '65536', '80;81', '1e3'])('rejects the ports "%s"', (ports) => {
    expect(() => configOf([`--collector.http_status.ports=${ports}`])).toThrow(
      `--collector.http_status.ports: expected at most 1024 ports from 1 to 65535, separated by commas, got "${ports}"`,
    );
  });

  it.each([
    [['--bpf.max-edges=0'], '--bpf.max-edges: expected a whole number from 1 to 1000000, got "0"'],
    [['--bpf.max-services=1.5'], '--bpf.max-services: expected a whole number from 1 to 1000000, got "1.5"'],
    [['--external.max-names=many'], '--external.max-names: expected a number, got "many"'],
    [['--web.listen-address=9400'], '--web.listen-address: expected [host]:port'],
    [['--log.level=loud'], '--log.level: expected debug, info, warn, error, got "loud"'],
    [
      ['--kubernetes.in-cluster'],
      '--kubernetes.node-name: expected the name of this node, here or in the environment variable NODE_NAME',
    ],
    [
      ['--kubernetes.in-cluster', '--kubernetes.kubeconfig=k'],
      '--kubernetes.kubeconfig: expected this or --kubernetes',
    ],
    [['--monitor.default=some'], '--monitor.default: expected all, none, got "some"'],
    [['--collector.edge'], 'unknown flag --collector.edge, did you mean --collector.edges?'],
    [['--no-collector.edge'], 'unknown flag --no-collector.edge, did you mean --no-collector.edges?'],
  ])('refuses %o', (argv, message) => expect(() => configOf(argv)).toThrow(message));
});
