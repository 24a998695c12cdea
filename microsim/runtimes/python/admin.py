"""Faults and counts of a service for the controller."""

import json
import socketserver

from fault import INTERNAL
from server import Handler


class AdminServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def serve_admin(path, service):
    """Accepts faults and serves counts on a UNIX socket: without TCP traffic it does not affect measurements."""

    def inject(body):
        args = json.loads(body)
        kind = args.pop("type", None)
        if kind not in INTERNAL:
            raise ValueError(f"type: expected {', '.join(INTERNAL)}")
        callee = {"callee": args.pop("callee")} if "callee" in args else {}
        service.set_fault({"type": kind, "args": args, **callee})
        return service.stats()

    def lift(_body):
        service.set_fault(None)
        return service.stats()

    routes = {"GET /stats": lambda _body: service.stats(), "POST /fault": inject, "DELETE /fault": lift}

    class AdminHandler(Handler):
        disable_nagle_algorithm = False

        def dispatch(self):
            key = f"{self.command} {self.path}"
            body = self.body()
            if key not in routes:
                self.answer(404, {"error": f"no such resource: {key}"})
                return
            try:
                self.answer(200, routes[key](body))
            except Exception as error:  # Report the error to the controller.
                self.answer(500, {"error": str(error)})

        do_GET = do_POST = do_DELETE = dispatch

    AdminServer(path, AdminHandler).serve_forever()
