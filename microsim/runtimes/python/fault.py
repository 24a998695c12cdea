"""The active fault of a service, as in microsim/service/injected-fault.ts."""

import os
import sys
import threading
import time

LEAK_SECONDS = 0.1
PERIOD_SECONDS = 0.025
MB = 1024 * 1024
CALL_FAULTS = ("skip_call", "double_call", "reorder_calls", "swallow_error")
INTERNAL = ("latency", "cpu", "error", "memory_leak", "refuse", *CALL_FAULTS, "compute_pi", "disk")

DISK_PERIOD_SECONDS = 0.1
# Where files go that must not lie in memory: /tmp may.
DISK_FOLDER = "/var/tmp"
# Digits beyond the wanted ones, for the rounding errors of the series.
GUARD_DIGITS = 10


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
            limit = 4 * PERIOD_SECONDS + self._work
            self._tokens = min(limit, self._tokens + (now - self._refilled) * self._share)
            self._refilled = now
            seconds = max(0.0, wanted(self._tokens))
            self._tokens -= seconds
            return seconds


class DiskWriter:
    """
    Writes a file and syncs it every 100 ms; after `size` MB, from its beginning again. The file has no name, so that
    the kernel removes it with the last process that has it open.
    """

    def __init__(self, rate, size):
        path = os.path.join(DISK_FOLDER, f"lorikeet-sim-{os.getpid()}-{time.monotonic_ns()}.tmp")
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.unlink(path)
        self._size = int(size * MB)
        self._per_period = max(1, int(rate * MB * DISK_PERIOD_SECONDS))
        self._chunk = b"\1" * min(self._per_period, self._size, MB)
        self._stopped = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self):
        self._stopped.set()

    def _run(self):
        offset = 0
        try:
            while not self._stopped.wait(DISK_PERIOD_SECONDS):
                for left in range(self._per_period, 0, -len(self._chunk)):
                    if offset + len(self._chunk) > self._size:
                        offset = 0
                    os.pwrite(self._file, self._chunk[:left], offset)
                    offset += len(self._chunk)
                os.fdatasync(self._file)
        except OSError as error:
            # A full disk ends the stress, not the service.
            print(f"disk: {error}", file=sys.stderr)
        finally:
            os.close(self._file)


def compute_pi(digits):
    """The first `digits` decimal digits of pi, the 3 included, as one integer: 314 for 3. Machin's formula."""
    one = 10 ** (max(0, int(digits) - 1) + GUARD_DIGITS)
    return (16 * _arc_tangent_of_inverse(5, one) - 4 * _arc_tangent_of_inverse(239, one)) // 10**GUARD_DIGITS


def _arc_tangent_of_inverse(x, one):
    """`one * atan(1 / x)`, by its power series. Signs are apart, because // rounds down."""
    power = total = one // x
    divisor, sign = 3, -1
    while power:
        power //= x * x
        total += sign * (power // divisor)
        divisor, sign = divisor + 2, -sign
    return total


class InjectedFault:
    """Clearing it frees its thread, memory and file."""

    def __init__(self, random):
        self._random = random
        self._hog = None
        self._disk = None
        self._leak = []
        self._leaking = threading.Event()
        self.fault = None

    @property
    def leaked_mb(self):
        return sum(map(len, self._leak)) / MB

    def inject(self, fault):
        """Replaces the active fault."""
        self.lift()
        args = fault["args"]
        if fault["type"] == "disk":
            self._disk = DiskWriter(args["rate"], args["size"])
        self.fault = fault
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
        if self._disk is not None:
            self._disk.stop()
        self._disk = None
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
        fault = self.fault
        if fault is not None and fault["type"] == "compute_pi" and self._random.random() < fault["args"]["share"]:
            compute_pi(fault["args"]["digits"])

    def change_calls(self, calls, fault):
        """The calls that a request makes, in order. Draws nothing without a fault that changes them."""
        if not calls or fault is None or fault["type"] not in CALL_FAULTS:
            return calls
        if self._random.random() >= fault["args"]["share"]:
            return calls
        callee = fault.get("callee")
        if fault["type"] == "reorder_calls":
            return _reorder(calls, callee)
        drawn = self._random.choice(calls) if callee is None else None
        changed = []
        for call in calls:
            affected = call is drawn or call["designation"] == callee
            changed += _change(fault["type"], call) if affected else [call]
        return changed

    def _leak_more(self, lifted, args):
        leak = self._leak
        while not lifted.wait(LEAK_SECONDS):
            left = args["cap"] - sum(map(len, leak)) / MB
            size = int(min(args["rate"] * LEAK_SECONDS, left) * MB)
            # Filled, because only written pages are resident.
            if size > 0:
                leak.append(b"\1" * size)


def swallows(fault, callee):
    """True if a failure of `callee` must not fail the request."""
    return fault is not None and fault["type"] == "swallow_error" and fault.get("callee", callee) == callee


def _change(kind, call):
    if kind == "skip_call":
        return []
    if kind == "double_call":
        return [call, call]
    before = [{"type": "error", "args": {}}, *call["faults"]["before"]]
    return [{**call, "faults": {**call["faults"], "before": before}}]


def _reorder(calls, callee):
    if callee is None:
        return calls[::-1]
    moved = [call for call in calls if call["designation"] == callee]
    others = [call for call in calls if call["designation"] != callee]
    return moved + others if calls[-1]["designation"] == callee else others + moved
