// Answers every request after the response to its own request to `upstream`, until standard input ends. Options:
// {host, upstream: {host, port}}.
import { Agent, createServer, get } from 'node:http';

const { host, upstream } = JSON.parse(process.argv[2]);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const server = createServer((request, response) => {
  request.resume();
  get({ ...upstream, agent }, (answer) => answer.resume().on('end', () => response.end('relayed')));
});
server.listen({ host, port: 0 }, () => process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`));
process.stdin.resume().on('end', () => {
  agent.destroy();
  server.close(() => process.stdout.write('{}\n'));
  server.closeIdleConnections();
});
