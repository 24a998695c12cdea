/** What is read of `metadata` of an object of the API. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly kind: string;
  readonly name: string;
  readonly controller?: boolean;
}

/** An object of the API, of which nothing is known but that it has a name. */
export interface ApiObject {
  readonly metadata: ObjectMeta;
}

/** What tells an object from all others of its kind: `namespace/name`, or the name where there are no namespaces. */
export function objectKey({ namespace, name }: Pick<ObjectMeta, 'namespace' | 'name'>): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** When an object was made, in milliseconds; 0 where that isn't told. */
export function createdAt({ creationTimestamp }: ObjectMeta): number {
  return creationTimestamp === undefined ? 0 : Date.parse(creationTimestamp);
}
