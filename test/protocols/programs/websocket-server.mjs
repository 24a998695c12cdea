// Echoes messages of a WebSocket, sends `pushes` by itself, one each `everyMs`, then closes. Without a library: the
// handshake, and frames shorter than 126 bytes. Options: {host, port, pushes, everyMs}.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const { host, port, pushes = 0, everyMs = 0 } = JSON.parse(process.argv[2]);
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 0x81;
const frame = (text) => Buffer.concat([Buffer.from([TEXT, text.length]), Buffer.from(text)]);

/** The text of a masked frame. */
function unmask(bytes) {
  const [mask, payload] = [bytes.subarray(2, 6), bytes.subarray(6, 6 + (bytes[1] & 127))];
  return Buffer.from(payload.map((byte, index) => byte ^ mask[index % 4])).toString();
}

const server = createServer((_, response) => response.writeHead(426).end());
async function converse(request, socket) {
  socket
    .on('error', () => undefined)
    .on('data', (bytes) => {
      if (bytes[0] === TEXT) socket.write(frame(unmask(bytes)));
      else socket.end();
    });
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  for (let i = 0; i < pushes; i++) {
    await sleep(everyMs);
    socket.write(frame(`push ${i}`));
  }
}

server.on('upgrade', (request, socket) => void converse(request, socket));
server.listen({ host, port });
