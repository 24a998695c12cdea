"""
The process of one simulated service, with Python's standard library only: `service.py <config file>`. It has the same
configuration, requests, faults and counts as microsim/service/main.ts, but uses one thread per connection instead of an
event loop.
"""

import json
import math
import os
import random
import sys
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from admin import serve_admin
from callee import CallError, Callee
from fault import MB, InjectedFault, swallows
from route import RouteError, parse_route
from server import Handler, Server, has_gone
from tracing import open_tracing
from traffic import Traffic

RESPONSE_SPREAD = 0.2
# Limit on the memory held by all `memory-leak` faults of requests, in MB.
MAX_HELD_MB = 512


class SimulatedService:
    """Accepts routes on TCP, works, calls the services in the route, and simulates faults."""

    def __init__(self, config):
        self.config = config
        self._tracing = open_tracing(config)
        self._random = random.Random(config["seed"])
        self._injected = InjectedFault(self._random)
        self._callees = {}
        self._traffic = Traffic()
        self._padding = "x" * (config["response_bytes"] * 2)
        self._pool = ThreadPoolExecutor(config["max_concurrent"])
        self._lock = threading.Lock()
        self._active = 0
        self._rejected = 0
        self._held_mb = 0
        self._server = None

    def listen(self):
        service = self

        class RouteHandler(Handler):
            def do_POST(self):
                service.serve(self)

        listen = self.config["listen"]
        self._server = Server((listen["host"], listen["port"]), RouteHandler)

    def set_fault(self, fault):
        """Replaces the active fault by `fault`; None clears it."""
        if fault is None:
            self._injected.lift()
        else:
            self._injected.inject(fault)
        if fault is not None and fault["type"] == "refuse":
            server, self._server = self._server, None
            if server is not None:
                server.stop()
        elif self._server is None:
            self.listen()

    def stats(self):
        times = os.times()
        return {
            "service": self.config["service"],
            "listening": self._server is not None,
            "fault": self._injected.fault,
            "active": self._active,
            "rejected": self._rejected,
            **self._traffic.stats(),
            "cpu_seconds": times.user + times.system,
            "rss_mb": resident_mb(),
            "leaked_mb": self._injected.leaked_mb,
            "calls": {name: callee.stats() for name, callee in self._callees.items()},
        }

    def serve(self, handler):
        body = handler.body()
        span = self._tracing.serve(handler.path.split("?")[0], handler.headers)
        with self._lock:
            turned_away = self._active >= self.config["max_concurrent"]
            if turned_away:
                self._rejected += 1
            else:
                self._active += 1
        if turned_away:
            span.end(503)
            self._answer(handler, 503, "too many requests in progress")
            return
        began = time.monotonic()
        status, error = self._outcome(handler, body, span)
        with self._lock:
            self._active -= 1
        self._traffic.record(time.monotonic() - began, status != 200)
        span.end(status)
        self._answer(handler, status, error)

    def _outcome(self, handler, body, span):
        try:
            self._work(handler, body, span)
        except CallError as error:
            return 502, str(error)
        except RouteError as error:
            return 400, str(error)
        except Exception as error:  # Answer after any error.
            return 500, str(error)
        return 200, None

    def _work(self, handler, body, span):
        if self._injected.fails_now():
            raise RuntimeError("injected error")
        route = self._parse(body)
        self._injected.delay()
        for fault in route["faults"]["before"]:
            self._show(fault)
        time.sleep(self._log_normal(self.config["wait_ms"], self.config["wait_spread"]) / 1000)
        self._injected.compute(self.config["cpu_ms"] / 1000)
        drawn = [call for call in route["routes"] if self._random.random() * 100 < call["probability"]]
        # Kept until the calls end: one that was made to fail must be swallowed even if the fault is cleared meanwhile.
        fault = self._injected.fault
        calls = self._injected.change_calls(drawn, fault)
        if route["parallel"]:
            self._call_all(calls, span, fault)
        else:
            for call in calls:
                # Stop if the caller has disconnected: this clears the backlog of a pause quickly.
                if has_gone(handler.connection):
                    return
                self._call(call, span, fault)
        for fault in route["faults"]["after"]:
            self._show(fault)

    def _parse(self, body):
        if body is None:
            raise RouteError("expected POST with a route")
        try:
            value = json.loads(body)
        except ValueError:
            raise RouteError("route: expected JSON") from None
        route = parse_route(value)
        if route["designation"] != self.config["service"]:
            raise RouteError(f"route.designation: this is {self.config['service']}")
        return route

    def _call_all(self, calls, span, fault):
        """Calls all at the same time; does not wait for the others after a failure."""
        done, _ = wait([self._pool.submit(self._call, call, span, fault) for call in calls], return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()

    def _call(self, route, span, fault):
        name = route["designation"]
        callee = self._callee(name)
        call = span.call(name)
        try:
            callee.call(json.dumps(route), span.path, call.headers)
            call.end(200)
        except CallError as error:
            call.end(error.status, str(error))
            if not swallows(fault, name):
                raise

    def _callee(self, name):
        address = self.config["callees"].get(name)
        if address is None:
            raise RouteError(f"no such service: {name}")
        with self._lock:
            callee = self._callees.get(name)
            if callee is None:
                callee = Callee(name, address, self.config["timeout_ms"] / 1000)
                # A new dictionary, because another thread may be reading the counts.
                self._callees = {**self._callees, name: callee}
        return callee

    def _show(self, fault):
        args = fault["args"]
        if fault["type"] == "latency":
            time.sleep(args["delay"] / 1000)
            return
        if fault["type"] == "error":
            raise RuntimeError("error of the route")
        with self._lock:
            if self._held_mb + args["size"] > MAX_HELD_MB:
                return
            self._held_mb += args["size"]
        timer = threading.Timer(args["duration"] / 1000, self._let_go, [b"\1" * int(args["size"] * MB)])
        timer.daemon = True
        timer.start()

    def _let_go(self, held):
        with self._lock:
            self._held_mb -= len(held) / MB

    def _answer(self, handler, status, error):
        size = round(self._log_normal(self.config["response_bytes"], RESPONSE_SPREAD))
        value = {"service": self.config["service"], "error": error}
        if status == 200:
            value["padding"] = self._padding[:size]
        handler.answer(status, value)

    def _log_normal(self, median, spread):
        return median * math.exp(spread * self._random.normalvariate(0, 1))


def resident_mb():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MB


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        config = json.load(file)
    service = SimulatedService(config)
    service.listen()
    serve_admin(config["admin"], service)


if __name__ == "__main__":
    main()
