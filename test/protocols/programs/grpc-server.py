"""A gRPC service of untyped messages. Options: {host, port, workMs}. Methods of /lab.Lab: Ask answers after the work,
Fail answers with NOT_FOUND after it, Stream with five messages, each after it."""
import json
import sys
import time
from concurrent import futures

import grpc

options = json.loads(sys.argv[1])
WORK = options["workMs"] / 1000


def ask(request, context):
    time.sleep(WORK)
    return request


def fail(request, context):
    time.sleep(WORK)
    context.abort(grpc.StatusCode.NOT_FOUND, "nothing here")


def stream(request, context):
    for _ in range(5):
        time.sleep(WORK)
        yield request


handlers = {
    "Ask": grpc.unary_unary_rpc_method_handler(ask),
    "Fail": grpc.unary_unary_rpc_method_handler(fail),
    "Stream": grpc.unary_stream_rpc_method_handler(stream),
}
server = grpc.server(futures.ThreadPoolExecutor(max_workers=20))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("lab.Lab", handlers),))
server.add_insecure_port(f"{options['host']}:{options['port']}")
server.start()
server.wait_for_termination()
