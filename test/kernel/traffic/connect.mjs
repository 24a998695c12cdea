// Connects `count` times, one after another, and prints how each attempt ended: an error's code, "connected" (closed
// again immediately) or "gave up" (after `giveUpMs`). Options: {host, port, count, giveUpMs}.
import { connect } from 'node:net';

const { host, port, count = 1, giveUpMs } = JSON.parse(process.argv[2]);

function attempt() {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let outcome = 'gave up';
    socket.on('connect', () => {
      outcome = 'connected';
      socket.destroy();
    });
    socket.on('error', (error) => (outcome = error.code));
    socket.on('close', () => resolve(outcome));
    if (giveUpMs !== undefined) setTimeout(() => socket.destroy(), giveUpMs);
  });
}

const outcomes = [];
for (let i = 0; i < count; i++) outcomes.push(await attempt());
process.stdout.write(`${JSON.stringify(outcomes)}\n`);
