"""HTTP/1.1 over TCP: a handler of requests, and a server that closes its connections."""

import json
import select
import socket
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY = 64 * 1024
# Seconds. Longer than callers keep idle connections, so that no request hits a closing one.
KEEP_ALIVE_SECONDS = 65


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with keep-alive; sends a response in one piece."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = KEEP_ALIVE_SECONDS

    def body(self):
        """Returns None if the body is too large."""
        length = int(self.headers.get("content-length", 0))
        data = self.rfile.read(length)
        return data if length <= MAX_BODY else None

    def answer(self, status, value):
        text = json.dumps(value, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_args):
        pass

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            # The caller disconnected, or a fault closed the connection: the counts show both.
            pass


class Server(ThreadingHTTPServer):
    """A listening socket and its connections; `stop` closes all of them."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 511

    def __init__(self, address, handler):
        self._connections = set()
        self._lock = threading.Lock()
        super().__init__(address, handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def server_bind(self):
        # HTTPServer's own method looks up the host name, but there is no DNS server here.
        socketserver.TCPServer.server_bind(self)

    def stop(self):
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._connections:
                close(connection)

    def process_request(self, request, client_address):
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        # No stack trace for the timeout of an idle connection.
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def has_gone(connection):
    """True if the other end has closed; peeks at received data."""
    # A socket with a timeout would wait for data.
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    if not poll.poll(0):
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


def close(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The other end has already closed.
        pass
