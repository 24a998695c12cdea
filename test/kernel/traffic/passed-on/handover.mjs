// Creates both ends of a connection and passes them over a UNIX socket (SCM_RIGHTS) to a child process in the cgroup
// `other`, which exchanges `count` requests and responses on them. Options: {host, other, count}.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

const { host, other, count, child } = JSON.parse(process.argv[2]);

async function makeEnds() {
  const server = createServer({ pauseOnConnect: true }).listen(0, host);
  await once(server, 'listening');
  const client = connect({ host, port: server.address().port });
  const [[accepted]] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
  server.close();
  return { client, server: accepted };
}

async function handOver() {
  const receiver = fork(process.argv[1], [JSON.stringify({ count, child: true })], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  writeFileSync(join(other, 'cgroup.procs'), String(receiver.pid));
  const { client, server } = await makeEnds();
  receiver.send('client', client);
  receiver.send('server', server);
  const [status] = await once(receiver, 'exit');
  process.exitCode = status;
}

async function receive() {
  const ends = {};
  await new Promise((resolve) => {
    process.on('message', (name, socket) => {
      ends[name] = socket;
      if (ends.client !== undefined && ends.server !== undefined) resolve();
    });
    // No more sockets to pass.
    process.once('disconnect', () => process.exit(1));
  });
  ends.server.on('data', () => ends.server.write('answer')).on('end', () => ends.server.end());
  for (let i = 0; i < count; i++) {
    const answer = once(ends.client, 'data');
    ends.client.write('question');
    await answer;
  }
  ends.client.end();
  await once(ends.client, 'close');
  process.stdout.write(`${JSON.stringify({ requests: count })}\n`);
  process.exit();
}

await (child ? receive() : handOver());
