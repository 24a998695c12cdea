import type { KernelNeeds } from '../kernel/needs.ts';

/** BPF programs and maps shared by several collectors of sockets. */

/** Programs for TCP state changes; two, so an event that the kernel skips for one reaches the other. */
export const STATE = ['inet_sock_set_state', 'inet_sock_set_state_nested'] as const;
export const SEND = 'sock_send_length';
export const RECEIVE = 'sock_recv_length';

/** Requests and connections, a row for each role (accounting/service-counts.ts). */
export const SERVICES: NonNullable<KernelNeeds['maps']> = { services: ({ maxServices }) => 2 * maxServices };

/** The same loss for each of the state programs. */
export function withoutState(loss: string): Readonly<Record<(typeof STATE)[number], string>> {
  return { inet_sock_set_state: loss, inet_sock_set_state_nested: loss };
}
