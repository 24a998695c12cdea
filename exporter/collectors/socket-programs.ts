/** The programs that several collectors of sockets use. */

/** Tell of a socket's beginning and end; two, so that an event that the kernel keeps from one reaches the other. */
export const STATE = ['inet_sock_set_state', 'inet_sock_set_state_nested'] as const;
export const SEND = 'sock_send_length';
export const RECEIVE = 'sock_recv_length';

/** The same loss without either of the state programs. */
export function withoutState(loss: string): Readonly<Record<(typeof STATE)[number], string>> {
  return { inet_sock_set_state: loss, inet_sock_set_state_nested: loss };
}
