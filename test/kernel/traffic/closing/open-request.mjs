// Sends a request without waiting for the response, and keeps the connection until it is killed. Options: {host, port}.
import { connect } from 'node:net';

const { host, port } = JSON.parse(process.argv[2]);
const socket = connect({ host, port }, () => {
  socket.write('GET / HTTP/1.1\r\nhost: test\r\n\r\n', () => process.stdout.write('{}\n'));
});
