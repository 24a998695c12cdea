/** The fields used of an API object's `metadata`. */
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

/** An API object of any kind. */
export interface ApiObject {
  readonly metadata: ObjectMeta;
}

/** The key of an object, unique within its kind: `namespace/name`, or the name if it has no namespace. */
export function objectKey({ namespace, name }: Pick<ObjectMeta, 'namespace' | 'name'>): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Creation time of an object in milliseconds; 0 if unknown. */
export function createdAt({ creationTimestamp }: ObjectMeta): number {
  return creationTimestamp === undefined ? 0 : Date.parse(creationTimestamp);
}
