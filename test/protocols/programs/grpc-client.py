"""Calls a method of /lab.Lab on one channel and prints its own count and durations. Options: {host, port, method, calls:
of each thread, threads, idleMs, bytes}."""
import json
import sys
import threading
import time

import grpc

options = json.loads(sys.argv[1])
truth = {"requests": 0, "durationsMs": [], "connections": 1}
lock = threading.Lock()
message = b"x" * options.get("bytes", 20)


def call(channel):
    path = f"/lab.Lab/{options['method']}"
    if options["method"] == "Stream":
        list(channel.unary_stream(path)(message))
        return
    try:
        channel.unary_unary(path)(message)
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.NOT_FOUND:
            raise


def work(channel):
    for _ in range(options["calls"]):
        start = time.perf_counter()
        call(channel)
        took = (time.perf_counter() - start) * 1000
        with lock:
            truth["requests"] += 1
            truth["durationsMs"].append(took)
        time.sleep(options.get("idleMs", 0) / 1000)


with grpc.insecure_channel(f"{options['host']}:{options['port']}") as channel:
    grpc.channel_ready_future(channel).result(timeout=20)
    threads = [threading.Thread(target=work, args=(channel,)) for _ in range(options.get("threads", 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
code = "NOT_FOUND" if options["method"] == "Fail" else "OK"
print(json.dumps({**truth, "responses": {code: truth["requests"]}}))
