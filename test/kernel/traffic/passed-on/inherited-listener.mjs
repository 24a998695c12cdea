// Listens, and passes the listening socket to a child process in the cgroup `other`, which accepts and answers as
// http-server.mjs does. Options: {host, other}.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const { host, other, child } = JSON.parse(process.argv[2]);
const LISTENER = 3;

async function inherit() {
  const listener = createServer().listen({ port: 0, host, backlog: 1024 });
  await once(listener, 'listening');
  const { port } = listener.address();
  const server = spawn(process.execPath, [process.argv[1], JSON.stringify({ child: true })], {
    stdio: ['pipe', 'pipe', 'inherit', listener._handle.fd],
  });
  writeFileSync(join(other, 'cgroup.procs'), String(server.pid));
  await once(server.stdout, 'data');
  // Only the child accepts from now on.
  listener.close();
  process.stdout.write(`${JSON.stringify({ port })}\n`);
  process.stdin.resume().on('end', () => server.stdin.end());
  await once(server, 'exit');
  process.stdout.write('{}\n');
}

function serve() {
  const server = createServer((request, response) => response.end('ok')).listen({ fd: LISTENER });
  server.on('listening', () => process.stdout.write('ready\n'));
  process.stdin.resume().on('end', () => server.close(() => process.exit()));
}

await (child ? serve() : inherit());
