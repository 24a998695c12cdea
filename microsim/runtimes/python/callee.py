"""Client for one service, all replicas in turn: keep-alive connections, a timeout, and counts of the results."""

import errno
import http.client
import itertools
import threading
import time

from traffic import Traffic

# Seconds. Servers keep idle connections longer, so the caller closes them.
IDLE_SECONDS = 30
MAX_IDLE_CONNECTIONS = 32


class CallError(Exception):
    """A callee refused the connection, failed, closed the connection or timed out."""

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status


class Callee:
    def __init__(self, name, address, timeout_seconds):
        self._name = name
        self._hosts = itertools.cycle([address["host"], *address.get("others", [])])
        self._port = address["port"]
        self._timeout = timeout_seconds
        self._lock = threading.Lock()
        self._idle = []  # of (connection, idle since), newest last, of all hosts
        self._traffic = Traffic()

    def call(self, body, path="/", headers=None):
        """Sends `body` and waits for the complete response, which is discarded. Raises CallError unless the status is 200."""
        began = time.monotonic()
        failed = True
        try:
            while not self._attempt(body, path, headers or {}, began + self._timeout):
                pass
            failed = False
        finally:
            self._traffic.record(time.monotonic() - began, failed)

    def stats(self):
        return self._traffic.stats()

    def _attempt(self, body, path, headers, deadline):
        """Returns False if the callee had just closed the idle connection: the caller should retry."""
        connection, reused = self._take()
        try:
            status = self._exchange(connection, body, path, headers, deadline)
        except TimeoutError:
            connection.close()
            raise CallError(f"{self._name}: timed out") from None
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            if reused and isinstance(error, (ConnectionResetError, BrokenPipeError)):
                return False
            raise CallError(f"{self._name}: {_reason(error)}") from None
        self._give(connection)
        if status != 200:
            raise CallError(f"{self._name}: status {status}", status)
        return True

    def _exchange(self, connection, body, path, headers, deadline):
        connection.timeout = _left(deadline)
        if connection.sock is not None:
            connection.sock.settimeout(connection.timeout)
        connection.request("POST", path, body, {**headers, "content-type": "application/json"})
        connection.sock.settimeout(_left(deadline))
        response = connection.getresponse()
        response.read()
        return response.status

    def _take(self):
        """A connection to the next host, last in, first out: those that only a burst needed become idle and close."""
        expired = time.monotonic() - IDLE_SECONDS
        with self._lock:
            while self._idle and self._idle[0][1] < expired:
                self._idle.pop(0)[0].close()
            host = next(self._hosts)
            for index in range(len(self._idle) - 1, -1, -1):
                if self._idle[index][0].host == host:
                    return self._idle.pop(index)[0], True
        return http.client.HTTPConnection(host, self._port), False

    def _give(self, connection):
        # http.client has already closed it if the callee announced the close.
        if connection.sock is None:
            return
        with self._lock:
            if len(self._idle) < MAX_IDLE_CONNECTIONS:
                self._idle.append((connection, time.monotonic()))
                return
        connection.close()


def _left(deadline):
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _reason(error):
    """The error name as in Node.js, such as ECONNREFUSED."""
    return errno.errorcode.get(getattr(error, "errno", None), str(error) or type(error).__name__)
