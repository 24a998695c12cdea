"""Publishes `messages` messages, one each `everyMs`, and consumes them with `workMs` of work and an acknowledgement
each. Prints its own count, and the work as durations. Options: {host, port, messages, everyMs, workMs, heartbeat}."""
import json
import sys
import threading
import time

import pika

options = json.loads(sys.argv[1])
parameters = pika.ConnectionParameters(
    options["host"],
    options["port"],
    credentials=pika.PlainCredentials("lab", "lab"),
    heartbeat=options.get("heartbeat", 60),
)
truth = {"requests": 0, "durationsMs": [], "connections": 2}


def publish():
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    for _ in range(options["messages"]):
        channel.basic_publish("", "lab", b"a message")
        connection.sleep(options["everyMs"] / 1000)
    connection.close()


connection = pika.BlockingConnection(parameters)
channel = connection.channel()
channel.queue_declare("lab")
channel.basic_qos(prefetch_count=1)


def consume(_channel, method, _properties, _body):
    start = time.perf_counter()
    time.sleep(options["workMs"] / 1000)
    channel.basic_ack(method.delivery_tag)
    truth["durationsMs"].append((time.perf_counter() - start) * 1000)
    truth["requests"] += 1
    if truth["requests"] == options["messages"]:
        channel.stop_consuming()


channel.basic_consume("lab", consume)
publisher = threading.Thread(target=publish)
publisher.start()
channel.start_consuming()
publisher.join()
connection.close()
print(json.dumps(truth))
