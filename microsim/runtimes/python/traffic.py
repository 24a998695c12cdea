"""Counts of requests and their durations, as `TrafficStats` in microsim/protocol/status.ts."""

import threading
import time
from collections import deque

WINDOW_SECONDS = 10


class Traffic:
    """Counts in total and over the last 10 whole seconds. Needs no timer."""

    def __init__(self):
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._recent = deque()  # of (second, duration)
        self._requests = 0
        self._failures = 0
        self._seconds = 0.0

    def record(self, seconds, failed):
        now = int(time.monotonic())
        with self._lock:
            self._requests += 1
            self._failures += 1 if failed else 0
            self._seconds += seconds
            self._recent.append((now, seconds))
            self._forget(now)

    def stats(self):
        now = int(time.monotonic())
        with self._lock:
            self._forget(now)
            durations = [seconds for second, seconds in self._recent if second < now]
            window = min(WINDOW_SECONDS, max(1, now - int(self._began)))
            return {
                "requests": self._requests,
                "failures": self._failures,
                "seconds": self._seconds,
                "rate": len(durations) / window,
                "latency_ms": 1000 * sum(durations) / len(durations) if durations else 0,
            }

    def _forget(self, now):
        while self._recent and self._recent[0][0] < now - WINDOW_SECONDS:
            self._recent.popleft()
