import { hostname } from 'node:os';
import { basename } from 'node:path';
import * as z from 'zod';
import { readConfigFile } from '../../daemon/config-file.ts';
import { ConditionLog, type Logger } from '../../daemon/logger.ts';
import { cgroupPath, cgroupRoots } from '../cgroups/cgroup-path.ts';
import { declaredPorts } from './declared-protocols.ts';
import { parsePeerAddress, type PeerAddress } from './peers/addresses.ts';
import { EXPECTED_PROTOCOL, portNumber, protocolNumber } from './protocols.ts';
import { watchFile, type FileWatchOptions } from '../../daemon/file-watch.ts';
import { targetKey, type Target, type TargetSource } from './target.ts';

/** Lone surrogates are not text: two names with different ones would be one label value. */
const nameSchema = z
  .string()
  .min(1, 'expected a name')
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'expected a name without control characters');

/** @param roots mount points that a pasted path may start with */
const cgroupSchema = (roots: readonly string[]) =>
  z.string().transform((text, context): string => {
    const result = cgroupPath(text, roots);
    if ('path' in result) return result.path;
    context.addIssue({ code: 'custom', message: result.problem, input: text });
    return z.NEVER;
  });

const addressSchema = z.string().transform((text, context): PeerAddress => {
  const address = parsePeerAddress(text);
  if (address !== undefined) return address;
  const message = 'expected an IPv4 or IPv6 address, with a port or without';
  context.addIssue({ code: 'custom', message, input: text });
  return z.NEVER;
});

/** Port -> protocol. */
const protocolsSchema = z.record(z.string(), z.string()).transform((entries, context): ReadonlyMap<number, number> => {
  const protocols = new Map<number, number>();
  for (const [text, name] of Object.entries(entries)) {
    const port = portNumber(text);
    const protocol = protocolNumber(name);
    if (port === undefined) context.addIssue({ code: 'custom', message: 'expected a port as key', input: text });
    else if (protocol === undefined)
      context.addIssue({ code: 'custom', path: [text], message: `expected ${EXPECTED_PROTOCOL}`, input: name });
    else protocols.set(port, protocol);
  }
  return protocols;
});

const entrySchema = (roots: readonly string[]) =>
  z
    .strictObject({
      namespace: nameSchema,
      service: nameSchema,
      pod: nameSchema.optional(),
      cgroup: cgroupSchema(roots).optional(),
      addresses: z.array(addressSchema).default([]),
      protocols: protocolsSchema.optional(),
    })
    .transform((entry): Target => ({
      namespace: entry.namespace,
      service: entry.service,
      pod: entry.pod ?? (entry.cgroup === undefined ? entry.service : basename(entry.cgroup)),
      cgroup: entry.cgroup,
      addresses: entry.addresses,
      ...(entry.protocols !== undefined && { declared: declaredPorts(entry.addresses, entry.protocols) }),
      monitored: true,
      workloadKind: 'Static',
      node: hostname(),
    }));

const fileSchema = (roots: readonly string[]) =>
  z.strictObject({
    targets: z.array(entrySchema(roots)).superRefine((targets, context) => {
      refuseRepeated(targets, context, (target) => (target.cgroup === undefined ? undefined : targetKey(target)), {
        expectation: 'expected namespace, service and pod of its own',
      });
      refuseRepeated(targets, context, (target) => target.cgroup, {
        key: 'cgroup',
        expectation: 'expected a cgroup of its own',
      });
    }),
  });

/** Rejects two targets with the same cgroup or name: they would share their counts. */
function refuseRepeated(
  targets: readonly Target[],
  context: z.RefinementCtx,
  keyOf: (target: Target) => string | undefined,
  complaint: { readonly key?: string; readonly expectation: string },
): void {
  const first = new Map<string, number>();
  for (const [index, target] of targets.entries()) {
    const key = keyOf(target);
    if (key === undefined) continue;
    const other = first.get(key);
    if (other === undefined) {
      first.set(key, index);
      continue;
    }
    const { namespace, service, pod, cgroup } = target;
    context.addIssue({
      code: 'custom',
      path: [index, ...(complaint.key === undefined ? [] : [complaint.key])],
      message: `${complaint.expectation}, not that of targets[${other}]`,
      input: complaint.key === undefined ? `${namespace}/${service}/${pod}` : cgroup,
    });
  }
}

/**
 * Reads a targets file.
 *
 * @param cgroupfs the value of --path.cgroupfs, which a path may start with
 * @throws ConfigError such as `targets.yaml: targets[0].cgroup: expected a path below the cgroup2 mount …, got "x"`.
 */
export function readTargetsFile(path: string, cgroupfs?: string): readonly Target[] {
  return readConfigFile(path, fileSchema(cgroupRoots(cgroupfs))).targets;
}

export interface TargetsFileOptions extends FileWatchOptions {
  /** The value of --path.cgroupfs. */
  readonly cgroupfs?: string | undefined;
}

/** Targets from a file, reloaded when it changes. If it is invalid, the last valid targets stay. */
export class TargetsFile implements TargetSource {
  readonly name = 'targets_file';
  readonly #path: string;
  readonly #log: ConditionLog;
  readonly #logger: Logger;
  readonly #cgroupfs: string | undefined;
  readonly #unwatch: () => void;
  #targets: readonly Target[];
  #lastReloadSuccessful = true;
  #beforeChange = (): void => {};

  /** @throws ConfigError if the file is invalid at the start. */
  constructor(path: string, logger: Logger, options: TargetsFileOptions = {}) {
    this.#path = path;
    this.#cgroupfs = options.cgroupfs;
    this.#logger = logger.with({ file: path });
    this.#log = new ConditionLog(this.#logger);
    // Watch before the first read, so that no change between the two is missed.
    this.#unwatch = watchFile(path, () => this.#reloadQuietly(), options);
    try {
      this.#targets = readTargetsFile(path, this.#cgroupfs);
    } catch (error) {
      this.#unwatch();
      throw error;
    }
  }

  get targets(): readonly Target[] {
    return this.#targets;
  }

  beforeChange(listener: () => void): void {
    this.#beforeChange = listener;
  }

  get lastReloadSuccessful(): boolean {
    return this.#lastReloadSuccessful;
  }

  /** @throws ConfigError, which is also logged, once for each different failure. */
  reload(): void {
    let targets: readonly Target[];
    try {
      targets = readTargetsFile(this.#path, this.#cgroupfs);
    } catch (error) {
      this.#lastReloadSuccessful = false;
      this.#log.failing('reload', 'targets file rejected, using the last valid targets', error);
      throw error;
    }
    this.#beforeChange();
    this.#targets = targets;
    this.#lastReloadSuccessful = true;
    this.#log.recovered('reload', 'targets file is valid again');
    this.#logger.info('targets loaded', { targets: this.#targets.length });
  }

  #reloadQuietly(): void {
    try {
      this.reload();
    } catch {
      // Reported by the log and the metric.
    }
  }

  close(): void {
    this.#unwatch();
  }
}
