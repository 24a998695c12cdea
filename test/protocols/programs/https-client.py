"""Sends HTTPS requests and prints its own count and durations. Options: {host, port, requests, kept: on one connection,
idleMs, library: 'http.client' | 'httpx', http2, cert, key: for mutual TLS}."""
import http.client
import json
import ssl
import sys
import time

options = json.loads(sys.argv[1])
context = ssl.create_default_context(cafile=options["cert"])
context.check_hostname = False
if options.get("key"):
    context.load_cert_chain(options["cert"], options["key"])
truth = {"requests": 0, "durationsMs": [], "connections": 0}
kept = options.get("kept", False)


def connections():
    """Calls that send one request each."""
    if options.get("library") == "httpx":
        import httpx

        def connect():
            return httpx.Client(verify=context, http2=options.get("http2", False), timeout=30)

        def ask(client):
            client.get(f"https://{options['host']}:{options['port']}/").read()

    else:

        def connect():
            return http.client.HTTPSConnection(options["host"], options["port"], context=context)

        def ask(client):
            client.request("GET", "/")
            client.getresponse().read()

    return connect, ask


connect, ask = connections()
client = None
for _ in range(options["requests"]):
    start = time.perf_counter()
    if client is None:
        client = connect()
        truth["connections"] += 1
    ask(client)
    truth["durationsMs"].append((time.perf_counter() - start) * 1000)
    truth["requests"] += 1
    if not kept:
        client.close()
        client = None
    time.sleep(options.get("idleMs", 0) / 1000)
if client is not None:
    client.close()
print(json.dumps(truth))
