import { arch, release } from 'node:os';
import { isUnified } from '../../exporter/cgroups/hierarchy.ts';
import { hierarchyOf } from '../kernel/sandbox/controllers.ts';
import { CLUSTER, CURRENT_PROMETHEUS, HELM, KUBERNETES, NUMPY, OTEL_COLLECTOR, SCHEMAS } from './needs.ts';
import type { ExpectedSkip } from './skipped-tests.ts';

/**
 * The hooks that a kernel may refuse, by `uname -r`. It must accept all others; a kernel without an entry must accept
 * all.
 */
const REFUSED_HOOKS = [
  {
    kernel: /^6\.18\./,
    hooks: /(fentry|fexit|lsm)\/\w+|iter\/(bpf_sk_storage_map|bpf_map_elem|sockmap)/,
    why: 'some builds of it accept no programs for functions or LSM, and no iterators over map elements',
  },
] as const;

const version1 = (controller: 'blkio' | 'memory'): boolean | undefined => {
  const hierarchy = hierarchyOf(controller);
  return hierarchy === undefined ? undefined : !isUnified(hierarchy);
};

/**
 * The skips that are allowed in CI. Each entry is as narrow as possible and checks its cause. VictoriaMetrics, for
 * example, has no entry: scripts/setup.sh installs it.
 */
export const EXPECTED_SKIPS: readonly ExpectedSkip[] = [
  {
    reason: KUBERNETES.lack,
    tests: 'test/kubernetes/',
    when: () => KUBERNETES.isMissing(),
    why: 'they need Go and minutes to build; .ci/run builds them in the background, then runs these tests again',
  },
  {
    reason: HELM.lack,
    tests: 'test/kubernetes/',
    when: () => KUBERNETES.isMissing() && HELM.isMissing(),
    why: 'built together with the others',
  },
  {
    reason: SCHEMAS.lack,
    tests: 'test/kubernetes/',
    when: () => SCHEMAS.isMissing(),
    why: 'parts of Go modules, which .ci/run fetches if it can',
  },
  {
    reason: CLUSTER.lack,
    tests: 'test/cluster/',
    when: () => CLUSTER.isMissing(),
    why: 'it takes Go and minutes to build; npm run test:cluster does so where it can, and says why it cannot',
  },
  {
    reason: NUMPY.lack,
    tests: 'scorer/network/layers/reference.test.ts > ',
    when: () => NUMPY.isMissing(),
    why: 'npm test fetches it where pip can',
  },
  {
    reason: OTEL_COLLECTOR.lack,
    tests: 'test/scorer/traces/',
    when: () => OTEL_COLLECTOR.isMissing(),
    why: 'it takes Go and minutes to build; scripts/build-otel-collector.sh does so',
  },
  ...['test/scorer/', 'test/rules/', 'test/exporter/native-histograms.test.ts'].map((tests) => ({
    reason: CURRENT_PROMETHEUS.lack,
    tests,
    when: () => CURRENT_PROMETHEUS.isMissing(),
    why: 'it takes Go and minutes to build; the same tests run on the installed one',
  })),
  {
    reason: 'the memory controller is in version 2',
    tests: 'test/exporter/container.test.ts > with the controllers of the other version > memory is ',
    when: () => version1('memory') === false,
    why: 'a pod has only one cgroup, whose memory the other tests read',
  },
  {
    reason: 'the io controller is in version 1',
    tests: 'test/kernel/container.test.ts > block requests > that others make belong to the cgroup ',
    when: () => version1('blkio') === true,
    why: 'version 1 does not attribute data that the kernel writes back later',
  },
  {
    reason: '32-bit programs are x86 ones',
    tests: 'test/kernel/container.test.ts > system calls > of 32-bit programs ',
    when: () => arch() !== 'x64',
    why: 'the traffic program uses an x86 instruction for them',
  },
  {
    reason: /no \/usr\/include\/\S+\/asm\/unistd_(64|x32|32)\.h/,
    tests: 'test/kernel/headers.test.ts > system calls > that map memory and open files on ',
    when: () => arch() !== 'x64',
    why: 'the headers of x86 are only installed with its own C library',
  },
  ...REFUSED_HOOKS.map(({ kernel, hooks, why }) => ({
    reason: new RegExp(`the kernel refuses (${hooks.source}): EPERM`),
    tests: 'test/',
    when: () => kernel.test(release()),
    why,
  })),
];
