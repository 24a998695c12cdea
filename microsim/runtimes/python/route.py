"""The wire format of requests, as described in microsim/protocol/route.ts."""

LIMITS = {"delay": 60_000, "size": 256, "duration": 300_000}
MAX_DEPTH = 16
ARGUMENTS = {"latency": ("delay",), "memory-leak": ("size", "duration"), "error": ()}


class RouteError(Exception):
    """A request's route is invalid; the message has the path."""


def parse_route(value, at="route", depth=0):
    """Validates a route and fills in defaults. Ignores unknown keys."""
    if depth > MAX_DEPTH:
        raise RouteError(f"{at}: nested deeper than {MAX_DEPTH}")
    if not isinstance(value, dict):
        raise RouteError(f"{at}: expected an object")
    designation = value.get("designation")
    if not isinstance(designation, str) or designation == "":
        raise RouteError(f"{at}.designation: expected a service")
    parallel = value.get("parallel", False)
    if not isinstance(parallel, bool):
        raise RouteError(f"{at}.parallel: expected true or false")
    faults = value.get("faults", {})
    if not isinstance(faults, dict):
        raise RouteError(f"{at}.faults: expected an object")
    routes = value.get("routes", [])
    if not isinstance(routes, list):
        raise RouteError(f"{at}.routes: expected a list")
    return {
        "designation": designation,
        "probability": _number(value.get("probability", 100), 100, f"{at}.probability"),
        "parallel": parallel,
        "faults": {when: _faults(faults.get(when), f"{at}.faults.{when}") for when in ("before", "after")},
        "routes": [parse_route(route, f"{at}.routes[{index}]", depth + 1) for index, route in enumerate(routes)],
    }


def _faults(value, at):
    if value is None:
        return []
    if not isinstance(value, list):
        raise RouteError(f"{at}: expected a list")
    return [_fault(fault, f"{at}[{index}]") for index, fault in enumerate(value)]


def _fault(fault, at):
    if not isinstance(fault, dict) or not isinstance(fault.get("args"), dict):
        raise RouteError(f"{at}: expected {{type, args}}")
    names = ARGUMENTS.get(fault.get("type"))
    if names is None:
        raise RouteError(f"{at}.type: expected latency, memory-leak or error")
    args = {name: _number(fault["args"].get(name), LIMITS[name], f"{at}.args.{name}") for name in names}
    return {"type": fault["type"], "args": args}


def _number(value, limit, at):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= limit:
        raise RouteError(f"{at}: expected a number from 0 to {limit}")
    return value
