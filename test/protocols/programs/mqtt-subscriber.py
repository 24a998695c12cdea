"""Publishes `messages` messages with QoS 1, one each `everyMs`, and receives them on another connection. Prints its own
count, and the time to the broker's acknowledgement as durations. Options: {host, port, messages, everyMs, keepalive}."""
import json
import sys
import threading
import time

import paho.mqtt.client as mqtt

options = json.loads(sys.argv[1])
durations = []
received = []
subscribed = threading.Event()
done = threading.Event()


def make(name):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name)
    return client


def on_message(_client, _data, message):
    received.append(message)
    if len(received) == options["messages"]:
        done.set()


subscriber = make("subscriber")
subscriber.on_connect = lambda client, *_: client.subscribe("lab", qos=1)
subscriber.on_subscribe = lambda *_: subscribed.set()
subscriber.on_message = on_message
publisher = make("publisher")
for client in (subscriber, publisher):
    client.connect(options["host"], options["port"], keepalive=options.get("keepalive", 60))
    client.loop_start()
subscribed.wait(10)
for _ in range(options["messages"]):
    start = time.perf_counter()
    publisher.publish("lab", b"a message", qos=1).wait_for_publish(10)
    durations.append((time.perf_counter() - start) * 1000)
    time.sleep(options["everyMs"] / 1000)
done.wait(10)
for client in (subscriber, publisher):
    client.disconnect()
    client.loop_stop()
print(json.dumps({"requests": len(received), "durationsMs": durations, "connections": 2}))
