"""
Spans of requests and calls, sent by OTLP over HTTP as JSON. With the standard library only: the W3C trace context and
the fields that microsim/service/tracing-sdk.ts sends by OpenTelemetry's SDK.
"""

import http.client
import json
import random
import re
import socket
import threading
import time
from collections import deque
from urllib.parse import urlsplit

TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
# Kinds and statuses of opentelemetry/proto/trace/v1/trace.proto.
SERVER, CLIENT = 2, 3
STATUS_ERROR = 2
SEND_SECONDS = 1
TIMEOUT_SECONDS = 5
# Spans that wait to be sent; the oldest are dropped.
MAX_QUEUE = 2048
MAX_BATCH = 512


class NoSpan:
    """A request or call of a service that sends no spans."""

    headers = {}

    def __init__(self, path="/"):
        self.path = path

    def call(self, _callee):
        return self

    def end(self, _status, _error=None):
        pass


class NoTracing:
    def serve(self, path, _headers):
        return NoSpan(path)


def open_tracing(config):
    traces = config.get("traces")
    return NoTracing() if traces is None else Tracing(config["service"], traces)


class Tracing:
    def __init__(self, service, traces):
        self._share = traces["share"]
        self._random = random.Random()
        self._queue = deque(maxlen=MAX_QUEUE)
        # As the exporter's targets name the service.
        attributes = {"service.name": service, "k8s.namespace.name": traces["namespace"]}
        self._resource = {"attributes": _attributes(attributes)}
        threading.Thread(target=self._send_all, args=(traces,), daemon=True).start()

    def serve(self, path, headers):
        match = TRACEPARENT.match(headers.get("traceparent", ""))
        if match is None:
            sampled = self._random.random() < self._share
            trace_id, parent = f"{self._random.getrandbits(128) or 1:032x}", None
        else:
            trace_id, parent = match[1], match[2]
            sampled = int(match[3], 16) & 1 == 1
        return Span(self, (trace_id, parent, sampled), SERVER, path, {"http.route": path})

    def span_id(self):
        return f"{self._random.getrandbits(64) or 1:016x}"

    def record(self, span):
        self._queue.append(span)

    def _send_all(self, traces):
        url = urlsplit(traces["url"])
        while True:
            time.sleep(SEND_SECONDS)
            while self._queue:
                spans = [self._queue.popleft() for _ in range(min(MAX_BATCH, len(self._queue)))]
                scope = {"scope": {"name": "lorikeet-sim"}, "spans": spans}
                body = {"resourceSpans": [{"resource": self._resource, "scopeSpans": [scope]}]}
                try:
                    _post(url, traces.get("socket"), json.dumps(body))
                except (OSError, http.client.HTTPException):
                    # Lost, as with any exporter whose collector is gone; requests must not wait for it.
                    break


class Span:
    """The span of a request that a service serves, or of a call."""

    def __init__(self, tracing, context, kind, path, attributes):
        self._tracing = tracing
        self._trace_id, self._parent, self._sampled = context
        self._id = tracing.span_id()
        self._kind = kind
        self._attributes = {"http.request.method": "POST", "url.path": path, **attributes}
        # Wall-clock time, because spans of several processes are put together.
        self._start = time.time_ns()
        self._began = time.monotonic_ns()
        self.path = path
        # For a call: continues the trace in the callee.
        self.headers = {"traceparent": f"00-{self._trace_id}-{self._id}-{'01' if self._sampled else '00'}"}

    def call(self, callee):
        context = (self._trace_id, self._id, self._sampled)
        return Span(self._tracing, context, CLIENT, self.path, {"server.address": callee})

    def end(self, status, error=None):
        if not self._sampled:
            return
        attributes = {**self._attributes, **({} if status is None else {"http.response.status_code": status})}
        failed = error is not None or (self._kind == SERVER and status >= 500)
        self._tracing.record(
            {
                "traceId": self._trace_id,
                "spanId": self._id,
                **({} if self._parent is None else {"parentSpanId": self._parent}),
                "name": f"POST {self.path}",
                "kind": self._kind,
                "startTimeUnixNano": str(self._start),
                "endTimeUnixNano": str(self._start + time.monotonic_ns() - self._began),
                "attributes": _attributes(attributes),
                "status": {"code": STATUS_ERROR, **({} if error is None else {"message": error})} if failed else {},
            }
        )


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connection(url, path):
    if path is not None:
        return UnixConnection(path)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    return kind(url.netloc, timeout=TIMEOUT_SECONDS)


def _post(url, path, body):
    connection = _connection(url, path)
    try:
        connection.request("POST", url.path, body, {"content-type": "application/json"})
        connection.getresponse().read()
    finally:
        connection.close()


def _attributes(values):
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in values.items()
    ]
