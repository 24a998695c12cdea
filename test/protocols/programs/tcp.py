"""A TCP server or client of fixed-size messages. Options: {mode, host, port, requests, workMs, kept, mptcp, fastOpen,
upstream: {host, port}, idleMs, lingerMs: before the close}. Modes: `answer` answers each message after the work, `sink` reads and closes after the
client, `splice` forwards to `upstream` by splice(), without reading the bytes. Clients print their own count and
durations: `ask` sends requests, `tell` connects, sends, and closes."""
import json
import os
import socket
import sys
import threading
import time

options = json.loads(sys.argv[1])
ADDRESS = (options["host"], options["port"])
QUESTION, ANSWER = b"q" * 100, b"a" * 200
MPTCP = 262
MSG_FASTOPEN = 0x20000000
protocol = MPTCP if options.get("mptcp") else 0
if options.get("fastOpen"):
    with open("/proc/sys/net/ipv4/tcp_fastopen", "w") as setting:
        setting.write("3")


def receive(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            return b""
        data += part
    return data


def answer(connection):
    while receive(connection, len(QUESTION)):
        time.sleep(options.get("workMs", 0) / 1000)
        connection.sendall(ANSWER)
    connection.close()


def sink(connection):
    while connection.recv(65536):
        pass
    connection.close()


def pump(source, target):
    reader, writer = os.pipe()
    while moved := os.splice(source.fileno(), writer, 65536):
        while moved:
            moved -= os.splice(reader, target.fileno(), moved)
    try:
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    os.close(reader)
    os.close(writer)


def splice(connection):
    upstream = socket.create_connection((options["upstream"]["host"], options["upstream"]["port"]))
    back = threading.Thread(target=pump, args=(upstream, connection))
    back.start()
    pump(connection, upstream)
    back.join()
    upstream.close()
    connection.close()


def listen(handle):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if options.get("fastOpen"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
    listener.bind(ADDRESS)
    listener.listen(1024)
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=handle, args=(connection,), daemon=True).start()


truth = {"requests": 0, "durationsMs": [], "connections": 0, "sentBytes": 0, "receivedBytes": 0}


def connect(first):
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    truth["connections"] += 1
    if options.get("fastOpen"):
        connection.sendto(first, MSG_FASTOPEN, ADDRESS)
    else:
        connection.connect(ADDRESS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(first)
    return connection


def ask():
    connection = None
    for _ in range(options["requests"]):
        start = time.perf_counter()
        if connection is None:
            connection = connect(QUESTION)
        else:
            connection.sendall(QUESTION)
        if not receive(connection, len(ANSWER)):
            sys.exit("no answer")
        truth["durationsMs"].append((time.perf_counter() - start) * 1000)
        truth["requests"] += 1
        truth["sentBytes"] += len(QUESTION)
        truth["receivedBytes"] += len(ANSWER)
        if not options.get("kept"):
            connection.close()
            connection = None
        time.sleep(options.get("idleMs", 0) / 1000)
    if connection is not None:
        connection.close()


def tell():
    for number in range(options["requests"]):
        line = f"lab.metric {number} {int(time.time())}\n".encode()
        connection = connect(line)
        truth["sentBytes"] += len(line)
        time.sleep(options.get("lingerMs", 0) / 1000)
        connection.close()
        time.sleep(options.get("idleMs", 0) / 1000)


def fast_opened():
    """Connections with data in the first segment."""
    with open("/proc/net/netstat") as file:
        names, values = (line.split() for line in file if line.startswith("TcpExt:"))
    return int(values[names.index("TCPFastOpenActive")])


mode = options["mode"]
if mode in ("ask", "tell"):
    ask() if mode == "ask" else tell()
    if options.get("fastOpen") and fast_opened() < options["requests"] - 1:
        sys.exit(f"only {fast_opened()} connections used TCP Fast Open")
    print(json.dumps(truth))
else:
    listen({"answer": answer, "sink": sink, "splice": splice}[mode])
