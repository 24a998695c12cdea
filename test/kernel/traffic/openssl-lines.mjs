// `openssl s_server` answers each line of `openssl s_client` with the same line backwards; both read the header of a record
// apart from its content. Prints the number of answers. Options: {folder: of key.pem and cert.pem, count, server, client:
// arguments of each}.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const { folder, count, server, client } = JSON.parse(process.argv[2]);
const key = ['-key', join(folder, 'key.pem'), '-cert', join(folder, 'cert.pem')];
const serving = spawn('openssl', ['s_server', '-accept', '127.0.0.1:0', '-rev', ...key, ...server], {
  stdio: ['ignore', 'pipe', 'ignore'],
});
const listening = createInterface(serving.stdout);
let address;
for await (const line of listening) {
  address = /^ACCEPT (\S+)/.exec(line)?.[1];
  if (address !== undefined) break;
}
serving.stdout.resume();
const asking = spawn('openssl', ['s_client', '-connect', address, '-quiet', ...client], {
  stdio: ['pipe', 'pipe', 'ignore'],
});
const answers = createInterface(asking.stdout);
for (let i = 0; i < count; i++) {
  // Longer than an alert, which is told by its length.
  const question = `question ${i}`.padEnd(80, '.');
  asking.stdin.write(`${question}\n`);
  const [answer] = await once(answers, 'line');
  if (answer !== question.split('').reverse().join('')) throw new Error(`unexpected answer ${answer}`);
}
asking.kill();
serving.kill();
await Promise.all([once(asking, 'close'), once(serving, 'close')]);
process.stdout.write(`${JSON.stringify(count)}\n`);
