/** Native sockets: descriptors, names and bytes. */
/* eslint-disable @typescript-eslint/unbound-method -- the functions need no `this` */
import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { countDescriptors } from '../testing/node/leak-check.ts';
import { loadNative } from './load.ts';
import type { NativeSockets } from './native-sockets.ts';
import { COUNT, NAME_SIZE, READINESS, SLAB, SLAB_SIZE } from './native-sockets.ts';

const native = loadNative();
const { constants, errorNumbers } = native;
const { AF_INET, AF_UNIX, AF_UNSPEC, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_OOB, MSG_TRUNC } = constants;
const { POLLIN, POLLOUT, SHUT_WR, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, SOL_SOCKET, SO_ERROR } = constants;
const { EADDRINUSE, EAGAIN, EBADF, ECONNREFUSED, EINPROGRESS, EINVAL, ENOTCONN, ENOTSOCK, EPIPE } =
  errorNumbers;

const SLOTS = 2 ** 20;
const UNIX_PATH_AT = 2;
/** Milliseconds after which a wait in a test has failed. */
const PATIENCE = 20_000;
const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;

/** Sockets, and their memory in several forms. */
class Bench {
  readonly sockets: NativeSockets;
  readonly slab: Uint8Array;
  readonly words: Int32Array;

  constructor() {
    const made = native.createSockets(() => undefined, false);
    if (typeof made === 'number') throw new Error(`createSockets answered ${String(made)}`);
    this.sockets = made;
    this.slab = made.slab();
    this.words = new Int32Array(this.slab.buffer);
  }

  /** Puts 127.0.0.1 and a port in the place for names. @returns its length */
  loopback(port: number): number {
    this.slab.fill(0, SLAB.name, SLAB.name + NAME_SIZE);
    new Uint16Array(this.slab.buffer, SLAB.name, 1)[0] = AF_INET;
    this.slab.set([port >> 8, port & 255, 127, 0, 0, 1], SLAB.name + 2);
    return 16;
  }

  /** Puts a Unix name in its place: a path, or an abstract name with a NUL before it. @returns its length */
  unix(name: Uint8Array): number {
    new Uint16Array(this.slab.buffer, SLAB.name, 1)[0] = AF_UNIX;
    this.slab.set(name, SLAB.name + UNIX_PATH_AT);
    return UNIX_PATH_AT + name.length;
  }

  /** The port in the place for names. */
  port(): number {
    return ((this.slab[SLAB.name + 2] ?? 0) << 8) + (this.slab[SLAB.name + 3] ?? 0);
  }

  data(length: number): string {
    return Buffer.from(this.slab.buffer, SLAB.data, length).toString('latin1');
  }

  /** Both ends of a pair. */
  pair(type: number): readonly [near: number, far: number] {
    const near = this.sockets.pair(AF_UNIX, type, 0);
    return [near, this.sockets.idAt(this.words[0] ?? 0)];
  }

  /** A listener on a port of the system's choosing. */
  listener(): readonly [id: number, port: number] {
    const id = this.sockets.socket(AF_INET, SOCK_STREAM, 0);
    assert.equal(this.sockets.bind(id, this.loopback(0)), 0);
    assert.equal(this.sockets.listen(id, 16), 0);
    assert.equal(this.sockets.localAddress(id), 16);
    return [id, this.port()];
  }

  /** A TCP connection. */
  connection(): readonly [client: number, server: number] {
    const { sockets } = this;
    const [listener, port] = this.listener();
    const client = sockets.socket(AF_INET, SOCK_STREAM, 0);
    const result = sockets.connect(client, this.loopback(port));
    assert.ok(result === 0 || result === -EINPROGRESS);
    assert.equal(sockets.wait(listener, POLLIN, PATIENCE), POLLIN);
    const server = sockets.accept(listener);
    assert.ok(server > 0);
    assert.ok(sockets.wait(client, POLLOUT, PATIENCE) > 0);
    sockets.close(listener);
    return [client, server];
  }
}

/** Runs `use`, which must not leave a descriptor behind. */
function withBench(use: (bench: Bench, sockets: NativeSockets) => void): void {
  const before = countDescriptors();
  const bench = new Bench();
  try {
    use(bench, bench.sockets);
  } finally {
    bench.sockets.dispose();
  }
  assert.equal(countDescriptors(), before);
}

/** The flags of an open file, of which O_CLOEXEC is the descriptor's own. */
function flagsOf(fd: number): number {
  const line = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${String(fd)}`, 'utf8'));
  return parseInt(line?.[1] ?? '', 8);
}

const isOpen = (fd: number): boolean => {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
};

test('slab is as large as the contract says, and the same memory each time', () => {
  withBench(({ slab }, sockets) => {
    assert.equal(slab.length, SLAB_SIZE);
    slab[SLAB_SIZE - 1] = 7;
    assert.equal(sockets.slab()[SLAB_SIZE - 1], 7);
    assert.notEqual(sockets.slab(), slab);
  });
});

test('every descriptor is close-on-exec and does not block from birth (F59)', () => {
  withBench((bench, sockets) => {
    const [client, server] = bench.connection();
    const [near, far] = bench.pair(SOCK_SEQPACKET);
    const copy = sockets.duplicate(near);
    for (const id of [client, server, near, far, copy, sockets.socket(AF_UNIX, SOCK_DGRAM, 0)])
      assert.equal(flagsOf(sockets.descriptor(id)) & (O_CLOEXEC | O_NONBLOCK), O_CLOEXEC | O_NONBLOCK);
  });
});

test('an id is a slot and its generation, and never comes twice (F52)', () => {
  withBench((_, sockets) => {
    const seen = new Set<number>();
    for (let i = 1; i <= 1000; i++) {
      const id = sockets.socket(AF_UNIX, SOCK_DGRAM, 0);
      assert.equal(id, i * SLOTS);
      assert.ok(!seen.has(id));
      seen.add(id);
      assert.equal(sockets.idAt(0), id);
      assert.equal(sockets.live(), 1);
      assert.equal(sockets.close(id), 0);
      assert.equal(sockets.close(id), -EBADF);
      assert.equal(sockets.idAt(0), -EBADF);
    }
    assert.equal(sockets.live(), 0);
  });
});

test('adopt: what is owned is closed, what is lent is not, whatever happens', () => {
  const ends: ((sockets: NativeSockets, id: number) => void)[] = [
    (sockets, id) => sockets.close(id),
    (sockets) => {
      sockets.dispose();
    },
  ];
  for (const end of ends) {
    for (const isOwned of [true, false]) {
      const fd = openSync('/dev/null', 'r');
      withBenchOf(fd, isOwned, end);
      assert.equal(isOpen(fd), !isOwned);
      if (!isOwned) closeSync(fd);
    }
  }
});

/** Adopts a descriptor, and ends that in a way. */
function withBenchOf(fd: number, isOwned: boolean, end: (sockets: NativeSockets, id: number) => void): void {
  const { sockets } = new Bench();
  const id = sockets.adopt(fd, isOwned);
  assert.equal(sockets.descriptor(id), fd);
  end(sockets, id);
  sockets.dispose();
}

test('adopt answers EBADF for what is not open', () => {
  withBench((_, sockets) => {
    const fd = openSync('/dev/null', 'r');
    closeSync(fd);
    assert.equal(sockets.adopt(fd, true), -EBADF);
    assert.equal(sockets.adopt(2 ** 31 - 1, false), -EBADF);
    assert.equal(sockets.live(), 0);
  });
});

test('release gives the descriptor up, open', () => {
  withBench((_, sockets) => {
    const id = sockets.socket(AF_UNIX, SOCK_DGRAM, 0);
    const fd = sockets.descriptor(id);
    assert.equal(sockets.release(id), fd);
    assert.equal(sockets.release(id), -EBADF);
    assert.equal(sockets.live(), 0);
    sockets.dispose();
    assert.ok(isOpen(fd));
    closeSync(fd);
  });
});

test('a descriptor that somebody has closed answers EBADF, and harms no other (F53)', () => {
  withBench((bench, sockets) => {
    const [near, far] = bench.pair(SOCK_STREAM);
    const victim = sockets.socket(AF_UNIX, SOCK_DGRAM, 0);
    assert.equal(sockets.watch(near, READINESS.readable), 0);
    closeSync(sockets.descriptor(victim));
    assert.equal(sockets.recv(victim, 1, MSG_DONTWAIT), -EBADF);
    assert.equal(sockets.watch(victim, READINESS.readable), -EBADF);
    assert.equal(sockets.close(victim), 0);
    assert.equal(sockets.send(near, 3, MSG_NOSIGNAL), 3);
    assert.equal(sockets.recv(far, 10, 0), 3);
  });
});

test('setBlocking is for all who share the open file', () => {
  withBench((bench, sockets) => {
    const [near] = bench.pair(SOCK_STREAM);
    const copy = sockets.duplicate(near);
    for (const isBlocking of [true, false]) {
      assert.equal(sockets.setBlocking(copy, isBlocking), 0);
      assert.equal((flagsOf(sockets.descriptor(near)) & O_NONBLOCK) === 0, isBlocking);
    }
  });
});

test('calls on what is no socket answer ENOTSOCK', () => {
  withBench(({ words }, sockets) => {
    const id = sockets.adopt(openSync('/dev/null', 'r'), true);
    words.fill(0, 0, 8);
    const { bind, listen, accept, localAddress, send, recv, recvFrom, recvMessage } = sockets;
    const answers = [
      bind(id, 16),
      listen(id, 1),
      accept(id),
      localAddress(id),
      send(id, 1, 0),
      recv(id, 1, 0),
      recvFrom(id, 1, 0),
      recvMessage(id, 0),
    ];
    assert.deepEqual(new Set(answers), new Set([-ENOTSOCK]));
  });
});

test('a TCP connection tells both names, and moves bytes', () => {
  withBench((bench, sockets) => {
    const { slab } = bench;
    const [client, server] = bench.connection();
    assert.equal(sockets.localAddress(client), 16);
    const port = bench.port();
    assert.equal(sockets.remoteAddress(server), 16);
    assert.equal(bench.port(), port);
    slab.set(Buffer.from('hello'), SLAB.data);
    assert.equal(sockets.send(client, 5, MSG_NOSIGNAL), 5);
    assert.equal(sockets.wait(server, POLLIN, PATIENCE), POLLIN);
    assert.equal(sockets.count(server, COUNT.unread), 5);
    slab.fill(0, SLAB.data, SLAB.data + 10);
    assert.equal(sockets.recv(server, 100, 0), 5);
    assert.equal(bench.data(6), 'hello\0');
    assert.equal(sockets.recv(server, 100, 0), -EAGAIN);
    assert.equal(sockets.shutdown(client, SHUT_WR), 0);
    assert.equal(sockets.wait(server, POLLIN, PATIENCE), POLLIN);
    assert.equal(sockets.recv(server, 100, 0), 0);
    sockets.close(server);
    assert.equal(sockets.send(client, 1, MSG_NOSIGNAL), -EPIPE);
  });
});

test("accept tells the peer's name, and its length in word 0", () => {
  withBench((bench, sockets) => {
    const { words } = bench;
    const [listener, port] = bench.listener();
    assert.equal(sockets.accept(listener), -EAGAIN);
    const client = sockets.socket(AF_INET, SOCK_STREAM, 0);
    sockets.connect(client, bench.loopback(port));
    sockets.localAddress(client);
    const own = bench.port();
    assert.equal(sockets.wait(listener, POLLIN, PATIENCE), POLLIN);
    words[0] = -1;
    assert.ok(sockets.accept(listener) > 0);
    assert.equal(words[0], 16);
    assert.equal(bench.port(), own);
  });
});

test('connect tells of a refusal, at once or by SO_ERROR; a name of AF_UNSPEC disconnects', () => {
  withBench((bench, sockets) => {
    const [listener, port] = bench.listener();
    sockets.close(listener);
    const client = sockets.socket(AF_INET, SOCK_STREAM, 0);
    let result = sockets.connect(client, bench.loopback(port));
    if (result === -EINPROGRESS) {
      assert.ok(sockets.wait(client, POLLOUT, PATIENCE) > 0);
      assert.equal(sockets.getOption(client, SOL_SOCKET, SO_ERROR, 4), 4);
      result = -(bench.words[SLAB.data / 4] ?? 0);
    }
    assert.equal(result, -ECONNREFUSED);
    const datagrams = sockets.socket(AF_INET, SOCK_DGRAM, 0);
    assert.equal(sockets.connect(datagrams, bench.loopback(port)), 0);
    assert.equal(sockets.remoteAddress(datagrams), 16);
    bench.loopback(0);
    new Uint16Array(bench.slab.buffer, SLAB.name, 1)[0] = AF_UNSPEC;
    assert.equal(sockets.connect(datagrams, 16), 0);
    assert.equal(sockets.remoteAddress(datagrams), -ENOTCONN);
  });
});

test('bind and connect refuse names that are cut, of nobody, or too long (F49)', () => {
  withBench((bench, sockets) => {
    const id = sockets.socket(AF_INET, SOCK_STREAM, 0);
    for (let length = 0; length < 16; length++) {
      bench.loopback(0);
      assert.ok(sockets.bind(id, length) < 0, String(length));
      // With two bytes it is a name of AF_INET that says nothing more.
      assert.ok(sockets.connect(id, length) < 0, String(length));
    }
    const unix = sockets.socket(AF_UNIX, SOCK_STREAM, 0);
    for (const length of [0, 1, 111, 128]) {
      bench.unix(new Uint8Array(108).fill(97));
      assert.equal(sockets.bind(unix, length), -EINVAL, String(length));
    }
  });
});

test('Unix names: unnamed, abstract of all lengths, and a path of all 108 bytes (F36, F39)', () => {
  withBench((bench, sockets) => {
    const unnamed = sockets.socket(AF_UNIX, SOCK_DGRAM, 0);
    assert.equal(sockets.localAddress(unnamed), 2);
    for (const length of [1, 2, 50, 107, 108]) {
      const name = Buffer.from(`\0${'n'.repeat(107)}`).subarray(0, length);
      const id = sockets.socket(AF_UNIX, SOCK_DGRAM, 0);
      if (length === 1) name[0] = 0;
      assert.equal(sockets.bind(id, bench.unix(name)), 0);
      bench.slab.fill(0xee, SLAB.name, SLAB.name + NAME_SIZE);
      assert.equal(sockets.localAddress(id), UNIX_PATH_AT + length);
      const at = SLAB.name + UNIX_PATH_AT;
      assert.deepEqual(Buffer.from(bench.slab.subarray(at, at + length)), name);
      assert.equal(bench.slab[at + length], 0xee);
      assert.equal(sockets.bind(sockets.socket(AF_UNIX, SOCK_DGRAM, 0), bench.unix(name)), -EADDRINUSE);
    }
    const folder = mkdtempSync(join(tmpdir(), 'p-'));
    try {
      const path = Buffer.from(join(folder, 'x'.repeat(200))).subarray(0, 108);
      const id = sockets.socket(AF_UNIX, SOCK_DGRAM, 0);
      assert.equal(sockets.bind(id, bench.unix(path)), 0);
      // The system counts a NUL behind it.
      assert.equal(sockets.localAddress(id), UNIX_PATH_AT + 109);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test('sendTo and recvFrom carry names; who has none is told as length 0 (F36)', () => {
  withBench((bench, sockets) => {
    const { slab, words } = bench;
    const receiver = sockets.socket(AF_INET, SOCK_DGRAM, 0);
    assert.equal(sockets.bind(receiver, bench.loopback(0)), 0);
    sockets.localAddress(receiver);
    const port = bench.port();
    const sender = sockets.socket(AF_INET, SOCK_DGRAM, 0);
    slab.set(Buffer.from('to'), SLAB.data);
    assert.equal(sockets.sendTo(sender, 2, 0, bench.loopback(port)), 2);
    assert.equal(sockets.wait(receiver, POLLIN, PATIENCE), POLLIN);
    assert.equal(sockets.recvFrom(receiver, 100, 0), 2);
    assert.equal(words[0], 16);
    const from = bench.port();
    sockets.localAddress(sender);
    assert.equal(bench.port(), from);
    const [near, far] = bench.pair(SOCK_DGRAM);
    assert.equal(sockets.send(near, 2, 0), 2);
    assert.equal(sockets.recvFrom(far, 100, 0), 2);
    assert.equal(words[0], 0);
  });
});

test('recv writes no more than the length, also where MSG_TRUNC tells of more (F22, F42)', () => {
  withBench((bench, sockets) => {
    const [near, far] = bench.pair(SOCK_DGRAM);
    const bytes = Buffer.from('0123456789');
    for (const length of [0, 1, 9, 10]) {
      for (const flags of [0, MSG_TRUNC]) {
        const wanted = flags === 0 ? length : 10;
        for (const call of [sockets.recv, sockets.recvFrom]) {
          assert.equal(sockets.sendBytes(near, bytes, 0), 10);
          bench.slab.fill(0x2e, SLAB.data, SLAB.data + 20);
          assert.equal(call(far, length, flags), wanted);
          assert.equal(bench.data(12), '0123456789'.slice(0, length).padEnd(12, '.'));
        }
        assert.equal(sockets.sendBytes(near, bytes, 0), 10);
        const room = new Uint8Array(20).fill(0x2e);
        assert.equal(sockets.recvBytes(far, room.subarray(4, 4 + length), flags), wanted);
        assert.equal(Buffer.from(room).toString(), `....${'0123456789'.slice(0, length)}`.padEnd(20, '.'));
      }
    }
  });
});

test('send and recv reach the very end of the slab, and not beyond', () => {
  withBench((bench, sockets) => {
    const [client, server] = bench.connection();
    const room = SLAB_SIZE - SLAB.data;
    bench.slab.fill(1, SLAB.data);
    const sent = sockets.send(client, room, MSG_NOSIGNAL);
    assert.ok(sent > 0 && sent <= room);
    assert.equal(sockets.wait(server, POLLIN, PATIENCE), POLLIN);
    const got = sockets.recv(server, room, 0);
    assert.ok(got > 0 && got <= sent);
    assert.throws(() => sockets.recv(server, room + 1, 0), RangeError);
    assert.throws(() => sockets.send(server, room + 1, 0), RangeError);
  });
});

test('count tells what is unread and unsent, and where urgent data lie', () => {
  withBench((bench, sockets) => {
    const [client, server] = bench.connection();
    assert.equal(sockets.count(server, COUNT.unread), 0);
    assert.equal(sockets.count(server, COUNT.atMark), 0);
    assert.equal(sockets.send(client, 1, MSG_OOB), 1);
    assert.ok(sockets.wait(server, constants.POLLPRI, PATIENCE) > 0);
    assert.equal(sockets.count(server, COUNT.atMark), 1);
    assert.equal(sockets.count(client, COUNT.unsent), 0);
    const [near] = bench.pair(SOCK_DGRAM);
    assert.equal(sockets.count(near, COUNT.unread), 0);
    assert.ok(sockets.count(near, COUNT.atMark) < 0);
  });
});

test('two spaces in one thread know nothing of each other', () => {
  withBench((first) => {
    const id = first.sockets.socket(AF_UNIX, SOCK_DGRAM, 0);
    withBench((second) => {
      assert.equal(second.sockets.descriptor(id), -EBADF);
      assert.equal(second.sockets.socket(AF_UNIX, SOCK_DGRAM, 0), id);
      assert.notEqual(second.sockets.descriptor(id), first.sockets.descriptor(id));
      first.slab[SLAB.data] = 1;
      second.slab[SLAB.data] = 2;
      assert.equal(first.slab[SLAB.data], 1);
      second.sockets.dispose();
      assert.ok(first.sockets.descriptor(id) >= 0);
    });
  });
});
