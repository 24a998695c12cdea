import { arch, release } from 'node:os';
import { isUnified } from '../../exporter/cgroups/hierarchy.ts';
import { hierarchyOf } from '../kernel/controllers.ts';
import { HELM, KUBERNETES, NUMPY, OTEL_COLLECTOR, SCHEMAS } from './needs.ts';
import type { ExpectedSkip } from './skipped-tests.ts';

/** The hooks that a kernel may refuse, by `uname -r`: all others it has to take, and a kernel that isn't here all of them. */
const REFUSED_HOOKS = [
  {
    kernel: /^6\.18\./,
    hooks: /(fentry|fexit|lsm)\/\w+|iter\/(bpf_sk_storage_map|bpf_map_elem|sockmap)/,
    why: 'there are builds of it that take no program on functions, none of LSM, and no iterator over the elements of a map',
  },
] as const;

const version1 = (controller: 'blkio' | 'memory'): boolean | undefined => {
  const hierarchy = hierarchyOf(controller);
  return hierarchy === undefined ? undefined : !isUnified(hierarchy);
};

/**
 * What may be skipped where CI runs; anywhere else nobody minds. Each is as narrow as can be, and lacks what it says it
 * lacks. VictoriaMetrics isn't here, for example: scripts/setup.sh installs it.
 */
export const EXPECTED_SKIPS: readonly ExpectedSkip[] = [
  {
    reason: KUBERNETES.lack,
    tests: 'test/kubernetes/',
    when: () => KUBERNETES.isMissing(),
    why: 'they take Go and minutes to build; .ci/run does so meanwhile, and then runs these tests again',
  },
  {
    reason: HELM.lack,
    tests: 'test/kubernetes/',
    when: () => KUBERNETES.isMissing() && HELM.isMissing(),
    why: 'they are built with the others',
  },
  {
    reason: SCHEMAS.lack,
    tests: 'test/kubernetes/',
    when: () => SCHEMAS.isMissing(),
    why: 'they are parts of Go modules; .ci/run fetches them where it can',
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
  {
    reason: 'the memory controller is in version 2',
    tests: 'test/exporter/container.test.ts > with the controllers of the other version > memory is ',
    when: () => version1('memory') === false,
    why: 'a pod has one cgroup there, whose memory the other tests read',
  },
  {
    reason: 'the io controller is in version 1',
    tests: 'test/kernel/container.test.ts > block requests > that others make belong to the cgroup ',
    when: () => version1('blkio') === true,
    why: 'version 1 has no account of whose data it is that the kernel writes later',
  },
  {
    reason: '32-bit programs are x86 ones',
    tests: 'test/kernel/container.test.ts > system calls > of 32-bit programs ',
    when: () => arch() !== 'x64',
    why: 'the traffic program makes them by an instruction of x86',
  },
  {
    reason: /no \/usr\/include\/\S+\/asm\/unistd_(64|x32|32)\.h/,
    tests: 'test/kernel/headers.test.ts > system calls > that map memory and open files on ',
    when: () => arch() !== 'x64',
    why: "the headers of x86 come with its own C library's",
  },
  ...REFUSED_HOOKS.map(({ kernel, hooks, why }) => ({
    reason: new RegExp(`the kernel refuses (${hooks.source}): EPERM`),
    tests: 'test/',
    when: () => kernel.test(release()),
    why,
  })),
];
