/** A process of a service. */
export interface Replica {
  /** That of the service, with a number if there are several: `cart`, or `cart-0`, `cart-1`. */
  readonly name: string;
  readonly service: string;
}

/** Every process of these services, in their order. */
export function replicasOf(services: Readonly<Record<string, { readonly replicas: number }>>): Replica[] {
  return Object.entries(services).flatMap(([service, { replicas }]) =>
    Array.from({ length: replicas }, (_, index) => ({
      name: replicas === 1 ? service : `${service}-${index}`,
      service,
    })),
  );
}
