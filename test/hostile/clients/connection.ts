import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection whose every byte the test decides. */
export interface Connection {
  readonly socket: Socket;
  /** What the program has sent so far. */
  readonly received: () => string;
  readonly isClosed: () => boolean;
  /** Resolves when the program, or the test, has closed the connection. */
  readonly closed: Promise<void>;
}

/** Connects to a port of this machine. @param from the client's address, such as 127.0.0.2. Default: 127.0.0.1 */
export async function dial(port: number, from = '127.0.0.1'): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from });
  let text = '';
  let isClosed = false;
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  // Not once(): that rejects on an error, and a reset is an answer here.
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isClosed = true;
      resolve();
    });
  });
  await Promise.race([once(socket, 'connect').catch(() => undefined), closed]);
  return { socket, received: () => text, isClosed: () => isClosed, closed };
}

/** Opens `count` connections, one after another, and sends `text` on each. */
export async function dialMany(count: number, port: number, text: string, from?: string): Promise<Connection[]> {
  const all: Connection[] = [];
  for (let index = 0; index < count; index++) {
    const one = await dial(port, from);
    one.socket.write(text);
    all.push(one);
  }
  return all;
}

export function hangUp(connections: readonly Connection[]): void {
  for (const { socket } of connections) socket.destroy();
}

/** The statuses in what a connection has received, in order. */
export function statusesIn(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
