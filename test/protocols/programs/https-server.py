"""Answers HTTP/1.1 over TLS after `workMs`. Options: {host, port, workMs, key, cert, version: 'TLSv1_2' | 'TLSv1_3',
mutual: asks for a certificate}."""
import json
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

options = json.loads(sys.argv[1])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        time.sleep(options["workMs"] / 1000)
        body = b"an answer"
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    def log_message(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(options["cert"], options["key"])
if options.get("mutual"):
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(options["cert"])
version = getattr(ssl.TLSVersion, options["version"])
context.minimum_version = context.maximum_version = version
server = ThreadingHTTPServer((options["host"], options["port"]), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
