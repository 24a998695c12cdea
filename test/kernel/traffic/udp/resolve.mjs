// Looks up `names` names at once, A and AAAA, by Node's resolver at a server of its own on port 53, which answers after
// `delayMs`. Prints the number of queries and of answers.
// Options: {host, names, delayMs}.
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';

const { host, names, delayMs } = JSON.parse(process.argv[2]);
const DATA = { 1: [127, 0, 0, 9], 28: [...Array(15).fill(0), 1] };

function answerTo(query) {
  const type = query.readUInt16BE(query.indexOf(0, 12) + 1);
  const question = query.subarray(12, query.indexOf(0, 12) + 5);
  const header = Buffer.from([query[0], query[1], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
  const data = DATA[type];
  const record = [0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length, ...data];
  return Buffer.concat([header, question, Buffer.from(record)]);
}

const server = createSocket(host.includes(':') ? 'udp6' : 'udp4');
let queries = 0;
server.on('message', (query, peer) => {
  queries++;
  setTimeout(() => server.send(answerTo(query), peer.port, peer.address), delayMs);
});
server.bind(53, host);
await once(server, 'listening');
const resolver = new Resolver();
resolver.setServers([host.includes(':') ? `[${host}]` : host]);
const lookups = Array.from({ length: names }, (_, index) => [
  resolver.resolve4(`n${index}.test`),
  resolver.resolve6(`n${index}.test`),
]);
const answers = await Promise.all(lookups.flat());
server.close();
process.stdout.write(`${JSON.stringify({ queries, answers: answers.flat().length })}\n`);
