"""The active fault of a service, as in microsim/service/injected-fault.ts."""

import threading
import time

LEAK_SECONDS = 0.1
PERIOD_SECONDS = 0.025
MB = 1024 * 1024
INTERNAL = ("latency", "cpu", "error", "memory_leak", "refuse")


def burn(seconds):
    """Burns CPU time of this thread, not wall-clock time: on a busy machine it takes longer."""
    if seconds <= 0:
        return
    enough = time.thread_time() + seconds
    while time.thread_time() < enough:
        sum(range(200))


class CpuHog:
    """
    Burns at most a share of one core: a token bucket of CPU time, used by requests first and by a thread for the
    rest. A service under load slows down, but never uses more CPU than its share.
    """

    def __init__(self, share, work_seconds):
        self._share = share
        self._work = work_seconds
        self._lock = threading.Lock()
        self._tokens = 0.0
        self._refilled = time.monotonic()
        self._stopped = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def request(self):
        """Burns the CPU time of one request."""
        burn(self._draw(lambda tokens: min(self._work, tokens)))

    def stop(self):
        self._stopped.set()

    def _run(self):
        """Burns the rest of the share, but reserves the work of one request."""
        while not self._stopped.wait(PERIOD_SECONDS):
            burn(self._draw(lambda tokens: min(tokens - self._work, PERIOD_SECONDS * self._share)))

    def _draw(self, wanted):
        with self._lock:
            now = time.monotonic()
            most = 4 * PERIOD_SECONDS + self._work
            self._tokens = min(most, self._tokens + (now - self._refilled) * self._share)
            self._refilled = now
            seconds = max(0.0, wanted(self._tokens))
            self._tokens -= seconds
            return seconds


class InjectedFault:
    """Clearing it frees its thread and memory."""

    def __init__(self, random):
        self._random = random
        self._hog = None
        self._leak = []
        self._leaking = threading.Event()
        self.fault = None

    @property
    def leaked_mb(self):
        return sum(map(len, self._leak)) / MB

    def inject(self, fault):
        """Replaces the active fault."""
        self.lift()
        self.fault = fault
        args = fault["args"]
        if fault["type"] == "cpu":
            self._hog = CpuHog(args["share"], args["work"] / 1000)
        if fault["type"] == "memory_leak":
            self._leaking = threading.Event()
            threading.Thread(target=self._leak_more, args=(self._leaking, args), daemon=True).start()

    def lift(self):
        self.fault = None
        if self._hog is not None:
            self._hog.stop()
        self._hog = None
        self._leaking.set()
        self._leak = []

    def fails_now(self):
        """True if this request must be answered immediately with 500."""
        fault = self.fault
        return fault is not None and fault["type"] == "error" and self._random.random() < fault["args"]["share"]

    def delay(self):
        """Returns after the fault's delay for a request."""
        fault = self.fault
        if fault is None or fault["type"] != "latency":
            return
        args = fault["args"]
        time.sleep(max(0, self._random.normalvariate(args["delay"], args["jitter"])) / 1000)

    def compute(self, seconds):
        """Burns the CPU time of a request: its own, and that of the fault."""
        burn(seconds)
        hog = self._hog
        if hog is not None:
            hog.request()

    def _leak_more(self, lifted, args):
        leak = self._leak
        while not lifted.wait(LEAK_SECONDS):
            left = args["cap"] - sum(map(len, leak)) / MB
            size = int(min(args["rate"] * LEAK_SECONDS, left) * MB)
            # Filled, because only written pages are resident.
            if size > 0:
                leak.append(b"\1" * size)
