import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A schema as published by Kubernetes: OpenAPI 2's subset of JSON schema. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly 'x-kubernetes-group-version-kind'?: readonly {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  }[];
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [key: string]: unknown;
}

const FETCH = 'scripts/fetch-kubernetes-schemas.sh';

const KUBERNETES = 'swagger.json';
const OPERATOR = ['podmonitors', 'prometheusrules'].map((kind) => `monitoring.coreos.com_${kind}.yaml`);

/** The directory of schemas by `scripts/fetch-kubernetes-schemas.sh`. */
function schemaFolder(): string {
  return execFileSync('bash', [FETCH, '--path'], { encoding: 'utf8' }).trim();
}

/** True if they were fetched. */
export function hasSchemas(): boolean {
  const folder = schemaFolder();
  return [KUBERNETES, ...OPERATOR].every((name) => existsSync(join(folder, name)));
}

/** The schemas of the oldest supported version of Kubernetes. */
export function kubernetesSchema(): ApiSchema {
  return new ApiSchema(join(schemaFolder(), KUBERNETES));
}

/** The schema files of Prometheus Operator's kinds. */
export function operatorKinds(): readonly string[] {
  const folder = schemaFolder();
  return OPERATOR.map((name) => join(folder, name));
}

/** Validates objects against the schemas of one version of Kubernetes, more strictly than its server. */
export class ApiSchema {
  readonly #definitions: Readonly<Record<string, Schema>>;

  /** @param path a swagger.json */
  constructor(path: string) {
    this.#definitions = (JSON.parse(readFileSync(path, 'utf8')) as { definitions: Record<string, Schema> }).definitions;
  }

  /** The errors in an object, each with its path, including an unknown kind. */
  problems(object: KubernetesObject): string[] {
    const { apiVersion, kind, metadata } = object;
    const [version = '', group = ''] = apiVersion.split('/').reverse();
    const schema = Object.values(this.#definitions).find((definition) =>
      definition['x-kubernetes-group-version-kind']?.some(
        (is) => is.group === group && is.version === version && is.kind === kind,
      ),
    );
    const name = `${kind} ${metadata.name}`;
    return schema === undefined
      ? [`${name}: no such kind: ${apiVersion}`]
      : [...this.#check(object, schema)].map((at) => `${name}: ${at}`);
  }

  *#check(value: unknown, schema: Schema, path = ''): Generator<string> {
    if (schema.$ref !== undefined) {
      const definition = this.#definitions[schema.$ref.replace('#/definitions/', '')];
      if (definition === undefined) throw new Error(`no definition: ${schema.$ref}`);
      yield* this.#check(value, definition, path);
    } else if (!isOfType(value, schema)) {
      yield `${path}: expected ${schema.format ?? schema.type}, got ${JSON.stringify(value)}`;
    } else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) yield* this.#check(item, schema.items ?? {}, `${path}[${index}]`);
    } else if (typeof value === 'object' && value !== null) {
      yield* this.#checkKeys(value as Readonly<Record<string, unknown>>, schema, path);
    }
  }

  *#checkKeys(value: Readonly<Record<string, unknown>>, schema: Schema, path: string): Generator<string> {
    const { properties, additionalProperties, required = [] } = schema;
    for (const key of required) if (!Object.hasOwn(value, key)) yield `${path}.${key}: missing`;
    // An object without a schema may have any content.
    if (properties === undefined && additionalProperties === undefined) return;
    for (const [key, inner] of Object.entries(value)) {
      const known = properties?.[key] ?? additionalProperties;
      if (known === undefined) yield `${path}.${key}: unknown`;
      else yield* this.#check(inner, known, `${path}.${key}`);
    }
  }
}

function isOfType(value: unknown, { type, format }: Schema): boolean {
  if (format === 'int-or-string') return typeof value === 'string' || Number.isInteger(value);
  switch (type) {
    case undefined:
      return true;
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}
