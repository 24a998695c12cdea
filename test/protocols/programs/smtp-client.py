"""Sends `messages` messages on a connection each, and prints its own count and durations. Options: {host, port,
messages}."""
import json
import smtplib
import sys
import time

options = json.loads(sys.argv[1])
durations = []


def timed(call, *arguments):
    start = time.perf_counter()
    result = call(*arguments)
    durations.append((time.perf_counter() - start) * 1000)
    return result


for _ in range(options["messages"]):
    client = smtplib.SMTP()
    client.connect(options["host"], options["port"])
    timed(client.ehlo, "lab")
    timed(client.mail, "a@lab")
    timed(client.rcpt, "b@lab")
    # Two round trips: the command and the message.
    start = time.perf_counter()
    client.data(b"Subject: lab\r\n\r\nA message.")
    both = (time.perf_counter() - start) * 1000
    durations.extend([both, both])
    timed(client.quit)

print(json.dumps({"requests": len(durations), "durationsMs": durations, "connections": options["messages"]}))
