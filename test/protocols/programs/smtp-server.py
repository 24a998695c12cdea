"""Takes mail by SMTP, and speaks first. Options: {host, port, workMs: for the message}."""
import json
import socketserver
import sys
import time

options = json.loads(sys.argv[1])


class Session(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.say("220 lab ESMTP")
        for line in self.rfile:
            command = line[:4].upper()
            if command == b"EHLO":
                self.say("250 lab")
            elif command == b"DATA":
                self.say("354 go ahead")
                while self.rfile.readline() != b".\r\n":
                    pass
                time.sleep(options.get("workMs", 0) / 1000)
                self.say("250 taken")
            elif command == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 fine")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server((options["host"], options["port"]), Session).serve_forever()
