import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { missingPrograms, runProgram, runPython, startApp } from './processes.ts';

const ECHO = 'examples/echo-server';
const LIMIT = { timeout: 60_000 };

test('the programs that these tests need are here', () => {
  assert.deepEqual(missingPrograms('socat', 'python3', 'curl'), []);
});

for (const provider of ['native', 'portable']) {
  test(`portside run echoes what socat sends, on ${provider} sockets`, LIMIT, async (t) => {
    const { port, portside } = await startApp(t, ECHO, ['--provider', provider]);
    const sent = randomBytes(300_000);
    const hex = await runProgram(
      'sh',
      ['-c', `socat -t 10 - TCP:127.0.0.1:${String(port)} | od -An -v -tx1 | tr -d ' \\n'`],
      sent,
    );
    assert.equal(hex.status, 0, hex.stderr);
    assert.ok(hex.stdout === sent.toString('hex'), `${String(hex.stdout.length / 2)} bytes came back`);
    const { status, stderr } = await portside.stop();
    assert.equal(status, 0);
    assert.match(stderr, /portside: stopped by SIGINT, 1 socket closed\n$/);
  });
}

/** Sends 16 MiB in pieces of all sizes while reading, closes its sending side, and reads on to the end. */
const HALF_CLOSE = `
import hashlib, random, socket, sys, threading
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=30)
data = random.randbytes(16 << 20)
def send():
    at = 0
    while at < len(data):
        size = random.choice([1, 10, 1000, 4096, 65536, 1 << 20])
        s.sendall(data[at:at + size])
        at += size
    s.shutdown(socket.SHUT_WR)
t = threading.Thread(target=send)
t.start()
echo = hashlib.sha256()
count = 0
while True:
    chunk = s.recv(random.choice([1000, 65536]))
    if not chunk: break
    echo.update(chunk)
    count += len(chunk)
t.join()
print(count, echo.hexdigest() == hashlib.sha256(data).hexdigest())
`;

test('portside run echoes 16 MiB to a Python client that closes its sending side', LIMIT, async (t) => {
  const { port } = await startApp(t, ECHO);
  assert.equal(await runPython(HALF_CLOSE, String(port)), `${String(16 << 20)} True`);
});

/** Sends far more than the buffers hold before it reads anything. */
const SLOW_READER = `
import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=30)
s.setblocking(False)
data = b'x' * 65536
sent = 0
import select
while True:
    _, writable, _ = select.select([], [s], [], 0.5)
    if not writable: break
    sent += s.send(data)
s.settimeout(30)
s.shutdown(socket.SHUT_WR)
got = 0
while True:
    chunk = s.recv(1 << 20)
    if not chunk: break
    got += len(chunk)
print(sent < (64 << 20), got == sent)
`;

test('portside run stops reading from a client that does not read its echo', LIMIT, async (t) => {
  const { port } = await startApp(t, ECHO);
  assert.equal(await runPython(SLOW_READER, String(port)), 'True True');
});

/** 300 connections at once, three rounds of messages on each, in random order. */
const MANY = `
import random, socket, sys
port = int(sys.argv[1])
socks = [socket.create_connection(('127.0.0.1', port), timeout=30) for _ in range(300)]
for round in range(3):
    random.shuffle(socks)
    for i, s in enumerate(socks): s.sendall(b'%d:%d;' % (round, i) * 50)
    for i, s in enumerate(socks):
        want = b'%d:%d;' % (round, i) * 50
        got = b''
        while len(got) < len(want): got += s.recv(65536)
        assert got == want
for s in socks[::2]: s.close()
for s in socks[1::2]:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\\1\\0\\0\\0\\0\\0\\0\\0')
    s.close()
print('ok')
`;

test('portside run serves 300 Python clients at once, and gives all descriptors back', LIMIT, async (t) => {
  const { port, portside } = await startApp(t, ECHO);
  const folder = `/proc/${String(portside.pid)}/fd`;
  const ping = (): Promise<unknown> =>
    runProgram('socat', ['-t', '5', '-', `TCP:127.0.0.1:${String(port)}`], 'x');
  await ping();
  const before = (await readdir(folder)).length;
  assert.equal(await runPython(MANY, String(port)), 'ok');
  // The app closes its side as it reads the ends; a reset is told no later than what comes after it.
  let count = Infinity;
  for (let tries = 0; tries < 50 && count > before; tries++) {
    await ping();
    count = (await readdir(folder)).length;
  }
  assert.equal(count, before);
  assert.equal((await portside.stop('SIGTERM')).status, 0);
});

test('portside run frees the port, and closes connections, at Ctrl-C', LIMIT, async (t) => {
  const { port, portside } = await startApp(t, ECHO);
  const client = connect(port, '127.0.0.1');
  const closed = new Promise((resolve) => client.on('close', resolve));
  client.on('error', () => undefined);
  client.write('hi');
  await new Promise((resolve) => client.once('data', resolve));
  const { status, stderr } = await portside.stop('SIGINT');
  assert.equal(status, 0);
  assert.match(stderr, /stopped by SIGINT, 2 sockets closed\n$/);
  await closed;
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject).listen(port, '127.0.0.1', resolve);
  });
  assert.equal((server.address() as AddressInfo).port, port);
  await new Promise((resolve) => server.close(resolve));
});

test('portside run lets the app take a free port when its own is taken', LIMIT, async (t) => {
  // Whoever has the port, this or another program: the app cannot have it.
  const first = await startApp(t, ECHO);
  const second = await startApp(t, ECHO);
  assert.notEqual(first.port, second.port);
  assert.match(
    second.portside.output,
    /warning: Port 7007 cannot be had \(net::ERR_ADDRESS_IN_USE\), taking a free one\./,
  );
  assert.equal(
    (await runProgram('socat', ['-t', '5', '-', `TCP:127.0.0.1:${String(second.port)}`], 'hello')).stdout,
    'hello',
  );
});
