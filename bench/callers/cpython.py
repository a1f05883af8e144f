"""CPython's socket module. `recv` as the last word: it makes a bytes object each time, instead of recv_into."""

import json
import socket
import sys
import time

SIZE = 64
TURN = 1024


def wrong(what, answer):
    raise RuntimeError(f"{what} answered {answer}")


def make_pair():
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    # A socket that blocks costs more: CPython lets go of its lock, and with a timeout it polls first.
    left.setblocking(False)
    right.setblocking(False)
    return left, right


class PairInto:
    def __init__(self):
        self.left, self.right = make_pair()
        self.message = bytes([7]) * SIZE
        self.target = bytearray(SIZE)

    def turn(self):
        send, recv_into = self.left.send, self.right.recv_into
        message, target = self.message, self.target
        for _ in range(TURN):
            sent = send(message)
            if sent != SIZE:
                wrong("send", sent)
            got = recv_into(target)
            if got != SIZE:
                wrong("recv_into", got)

    def verify(self, message):
        self.left.send(message)
        self.right.recv_into(self.target)
        return bytes(self.target)


class PairRecv:
    def __init__(self):
        self.left, self.right = make_pair()
        self.message = bytes([7]) * SIZE

    def turn(self):
        send, recv, message = self.left.send, self.right.recv, self.message
        for _ in range(TURN):
            sent = send(message)
            if sent != SIZE:
                wrong("send", sent)
            got = recv(SIZE)
            if len(got) != SIZE:
                wrong("recv", len(got))

    def verify(self, message):
        self.left.send(message)
        return self.right.recv(SIZE)


class Option:
    def __init__(self):
        self.left, self.right = make_pair()

    def turn(self):
        getsockopt, level, name = self.left.getsockopt, socket.SOL_SOCKET, socket.SO_RCVBUF
        for _ in range(TURN):
            value = getsockopt(level, name)
            if value <= 0:
                wrong("getsockopt", value)

    def verify(self, message):
        return message


def turns_until(loop, end):
    operations = 0
    while True:
        loop.turn()
        operations += TURN
        if time.perf_counter() >= end:
            return operations


def run_slice(loop, warm_up, length):
    begin = time.perf_counter()
    turns_until(loop, begin + warm_up)
    cpu, start = time.process_time(), time.perf_counter()
    operations = turns_until(loop, begin + length)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    message = bytes((operations >> (i % 16)) & 255 ^ (i * 3) for i in range(SIZE))
    if loop.verify(message) != message:
        raise RuntimeError("something else arrived than was sent")
    return {"operations": operations, "seconds": wall, "cpuSeconds": cpu}


def main():
    task, way = sys.argv[1], sys.argv[-1]
    pair = PairRecv if way == "recv" else PairInto
    loop = {"pair": pair, "option": Option}[task]()
    print("ready", flush=True)
    for line in sys.stdin:
        word, warm_up, length = line.split()
        if word != "slice":
            raise ValueError(f"{line!r} is no command")
        print(json.dumps(run_slice(loop, float(warm_up) / 1e3, float(length) / 1e3)), flush=True)


main()
