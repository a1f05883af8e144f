/** Native sockets: messages by records, descriptors in them, and options. */
import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import test from 'node:test';

import { countDescriptors } from '../testing/node/leak-check.ts';
import { loadNative } from './load.ts';
import type { NativeSockets } from './native-sockets.ts';
import { ENTRY, ENTRY_WORDS, RECORD, RECORD_WORDS, SLAB } from './native-sockets.ts';

const native = loadNative();
const { constants, controlHeader, errorNumbers } = native;
const { AF_INET, AF_UNIX, IPPROTO_IP, IPPROTO_TCP, MSG_CMSG_CLOEXEC, MSG_CTRUNC, MSG_DONTWAIT } = constants;
const { MSG_NOSIGNAL, MSG_PEEK, MSG_TRUNC, SCM_CREDENTIALS, SCM_PIDFD, SCM_RIGHTS } = constants;
const { SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, SOL_SOCKET } = constants;
const { SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_PASSCRED, SO_PASSPIDFD, SO_PEERPIDFD, SO_RCVBUF, SO_TYPE } =
  constants;
const { EAGAIN, EBADF, EINVAL, ENOPROTOOPT } = errorNumbers;

const RECEIVE = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
const O_CLOEXEC = 0o2000000;
/** Where the tests put things, all of them far apart. */
const DATA = 40000;
const CONTROL = 50000;
const CONTROL_ROOM = 1024;

interface Told {
  readonly length: number;
  readonly nameLength: number;
  readonly flags: number;
  readonly data: string;
  /** Level, type, and the payload as words. */
  readonly control: readonly (readonly [level: number, type: number, words: readonly number[]])[];
}

/** Sockets, and messages in their memory. */
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

  pair(type: number): readonly [near: number, far: number] {
    const near = this.sockets.pair(AF_UNIX, type, 0);
    return [near, this.sockets.idAt(this.words[0] ?? 0)];
  }

  /** One control message at `CONTROL`. @returns its length */
  control(level: number, type: number, payload: readonly number[]): number {
    const at = CONTROL / 4;
    const length = controlHeader + 4 * payload.length;
    this.words.set([length, 0, level, type, ...payload], at);
    return Math.ceil(length / 8) * 8;
  }

  send(id: number, text: string, controlLength = 0): number {
    this.slab.set(Buffer.from(text), DATA);
    this.words.set([DATA, text.length, 0, 0, CONTROL, controlLength, 0, 0]);
    return this.sockets.sendMessage(id, MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  receive(id: number, room: number, controlRoom = CONTROL_ROOM, flags = RECEIVE): Told | number {
    this.words.set([DATA, room, SLAB.name, 128, CONTROL, controlRoom, 0, 0]);
    const result = this.sockets.recvMessage(id, flags);
    return result < 0 ? result : this.told(0, room, controlRoom);
  }

  /** What a record says after receiving. */
  told(index: number, room: number, controlRoom: number): Told {
    const record = this.words.subarray(index * RECORD_WORDS, (index + 1) * RECORD_WORDS);
    const word = (at: number): number => record[at] ?? 0;
    const start = word(RECORD.dataOffset);
    const data = this.slab.subarray(start, start + Math.min(room, word(RECORD.dataLength)));
    const first = Math.ceil((word(RECORD.controlOffset) + controlRoom) / 8) * 2;
    return {
      length: word(RECORD.dataLength),
      nameLength: word(RECORD.nameLength),
      flags: word(RECORD.flags) & ~MSG_CMSG_CLOEXEC,
      data: Buffer.from(data).toString('latin1'),
      control: Array.from({ length: word(RECORD.controlCount) }, (_, i) =>
        this.#entry(first + i * ENTRY_WORDS),
      ),
    };
  }

  #entry(at: number): readonly [number, number, readonly number[]] {
    const { words } = this;
    const offset = (words[at + ENTRY.offset] ?? 0) / 4;
    const length = Math.floor((words[at + ENTRY.length] ?? 0) / 4);
    return [
      words[at + ENTRY.level] ?? 0,
      words[at + ENTRY.type] ?? 0,
      [...words.subarray(offset, offset + length)],
    ];
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

/** What was received, for there was something. */
function received(told: Told | number): Told {
  if (typeof told === 'number') throw new Error(`recvMessage answered ${String(told)}`);
  return told;
}

/** Runs `use` with a descriptor of its own. */
function withFile(use: (fd: number, isSame: (other: number) => boolean) => void): void {
  const fd = openSync(process.execPath, 'r');
  try {
    const { ino } = fstatSync(fd);
    use(fd, (other) => fstatSync(other).ino === ino);
  } finally {
    closeSync(fd);
  }
}

test('sendMessage and recvMessage carry bytes, and nothing else where there is nothing', () => {
  withBench((bench) => {
    const [near, far] = bench.pair(SOCK_DGRAM);
    assert.equal(bench.receive(far, 10), -EAGAIN);
    assert.equal(bench.send(near, 'message'), 7);
    const nothing = { nameLength: 0, flags: 0, control: [] };
    assert.deepEqual(bench.receive(far, 10), { ...nothing, length: 7, data: 'message' });
    assert.equal(bench.send(near, ''), 0);
    assert.deepEqual(bench.receive(far, 10), { ...nothing, length: 0, data: '' });
  });
});

test('recvMessage tells of a datagram that was cut, and with MSG_TRUNC how long it was (F22)', () => {
  withBench((bench) => {
    const [near, far] = bench.pair(SOCK_DGRAM);
    for (const flags of [0, MSG_TRUNC]) {
      bench.send(near, '0123456789');
      const told = received(bench.receive(far, 4, CONTROL_ROOM, RECEIVE | flags));
      assert.deepEqual([told.length, told.data, told.flags], [flags === 0 ? 4 : 10, '0123', MSG_TRUNC]);
    }
  });
});

test('descriptors arrive as slots of sockets that are owned, close-on-exec (F31)', () => {
  withFile((fd, isSame) => {
    withBench((bench, sockets) => {
      const [near, far] = bench.pair(SOCK_STREAM);
      assert.equal(bench.send(near, 'x', bench.control(SOL_SOCKET, SCM_RIGHTS, [fd, fd, fd])), 1);
      const { control, flags } = received(bench.receive(far, 10));
      assert.equal(flags, 0);
      assert.deepEqual(control, [[SOL_SOCKET, SCM_RIGHTS, [2, 3, 4]]]);
      for (const slot of control[0]?.[2] ?? []) {
        const copy = sockets.descriptor(sockets.idAt(slot));
        assert.ok(isSame(copy) && copy !== fd);
        const flagsOfFile = /^flags:\s*(\d+)$/m.exec(
          readFileSync(`/proc/self/fdinfo/${String(copy)}`, 'utf8'),
        );
        assert.notEqual(parseInt(flagsOfFile?.[1] ?? '', 8) & O_CLOEXEC, 0);
      }
      assert.equal(sockets.live(), 5);
    });
  });
});

test('descriptors for which there is no room are closed, and MSG_CTRUNC says so (F30)', () => {
  withFile((fd) => {
    withBench((bench, sockets) => {
      const [near, far] = bench.pair(SOCK_DGRAM);
      const many = new Array<number>(10).fill(fd);
      for (let room = 0; room <= 72; room += 4) {
        const before = countDescriptors();
        bench.send(near, 'x', bench.control(SOL_SOCKET, SCM_RIGHTS, many));
        const told = received(bench.receive(far, 1, room));
        const slots = told.control.flatMap(([, , words]) => words);
        assert.equal(slots.length, Math.min(10, Math.max(0, Math.floor((room - controlHeader) / 4))));
        assert.equal(told.flags, slots.length < 10 ? MSG_CTRUNC : 0);
        assert.equal(countDescriptors(), before + slots.length);
        for (const slot of slots) assert.equal(sockets.close(sockets.idAt(slot)), 0);
      }
    });
  });
});

test('a peek makes descriptors of its own each time', () => {
  withFile((fd) => {
    withBench((bench, sockets) => {
      const [near, far] = bench.pair(SOCK_STREAM);
      bench.send(near, 'x', bench.control(SOL_SOCKET, SCM_RIGHTS, [fd]));
      for (const flags of [MSG_PEEK, MSG_PEEK, 0]) {
        const { control } = received(bench.receive(far, 1, CONTROL_ROOM, RECEIVE | flags));
        assert.equal(control.length, 1);
      }
      assert.equal(sockets.live(), 5);
    });
  });
});

test("a peer's pidfd is a socket's id like any other descriptor", (t) => {
  withBench((bench, sockets) => {
    const [near, far] = bench.pair(SOCK_DGRAM);
    bench.words[SLAB.data / 4] = 1;
    assert.equal(sockets.setOption(far, SOL_SOCKET, SO_PASSCRED, 4), 0);
    bench.words[SLAB.data / 4] = 1;
    if (sockets.setOption(far, SOL_SOCKET, SO_PASSPIDFD, 4) === -ENOPROTOOPT) {
      t.skip('before Linux 6.5');
      return;
    }
    bench.send(near, 'x');
    const { control } = received(bench.receive(far, 1));
    const kinds = control.map(([, type]) => type);
    assert.deepEqual(kinds, [SCM_CREDENTIALS, SCM_PIDFD]);
    assert.equal(control[0]?.[2][0], process.pid);
    const pidfd = sockets.descriptor(sockets.idAt(control[1]?.[2][0] ?? -1));
    const info = readFileSync(`/proc/self/fdinfo/${String(pidfd)}`, 'utf8');
    assert.match(info, new RegExp(`^Pid:\\s*${String(process.pid)}$`, 'm'));
  });
});

test('sendMessage refuses descriptors that are not there, and control data that are malformed (F36)', () => {
  withBench((bench) => {
    const [near, far] = bench.pair(SOCK_DGRAM);
    assert.equal(bench.send(near, 'x', bench.control(SOL_SOCKET, SCM_RIGHTS, [2 ** 31 - 1])), -EBADF);
    assert.equal(bench.send(near, 'x', bench.control(SOL_SOCKET, SCM_RIGHTS, [-1])), -EBADF);
    for (const claimed of [1, controlHeader - 1, 1000, -1]) {
      bench.control(SOL_SOCKET, SCM_RIGHTS, [0]);
      bench.words[CONTROL / 4] = claimed;
      assert.equal(bench.send(near, 'x', 24), -EINVAL, String(claimed));
    }
    assert.equal(bench.receive(far, 1), -EAGAIN);
  });
});

test('sendMessage refuses control data of remote memory access, whatever the socket', () => {
  withBench((bench) => {
    const SOL_RDS = 276;
    const [near, far] = bench.pair(SOCK_DGRAM);
    for (const type of [1, 3, 6, 7, 8, 9])
      assert.equal(bench.send(near, 'x', bench.control(SOL_RDS, type, [0, 0])), -EINVAL);
    assert.equal(bench.receive(far, 1), -EAGAIN);
  });
});

test('sendMessages and recvMessages move many by one call, each with its descriptors (F26)', () => {
  withFile((fd, isSame) => {
    withBench((bench, sockets) => {
      const { slab, words } = bench;
      const count = 45;
      const [near, far] = bench.pair(SOCK_SEQPACKET);
      const control = bench.control(SOL_SOCKET, SCM_RIGHTS, [fd]);
      for (let i = 0; i < count; i++) {
        slab.fill(i + 1, DATA + 64 * i, DATA + 64 * i + i);
        words.set([DATA + 64 * i, i, 0, 0, CONTROL, control, 0, 0], i * RECORD_WORDS);
      }
      assert.equal(sockets.sendMessages(near, count, MSG_DONTWAIT | MSG_NOSIGNAL), count);
      const room = 64;
      for (let i = 0; i < count; i++)
        words.set([DATA + 64 * i, 64, 0, 0, CONTROL + 512 * i, room, 0, 0], i * RECORD_WORDS);
      assert.equal(sockets.recvMessages(far, count + 5, RECEIVE), count);
      for (let i = 0; i < count; i++) {
        const told = bench.told(i, 64, room);
        assert.equal(told.data, String.fromCharCode(i + 1).repeat(i));
        assert.deepEqual(told.control, [[SOL_SOCKET, SCM_RIGHTS, [2 + i]]]);
        assert.ok(isSame(sockets.descriptor(sockets.idAt(2 + i))));
      }
      assert.equal(sockets.live(), 2 + count);
      assert.equal(sockets.recvMessages(far, 1, RECEIVE), -EAGAIN);
    });
  });
});

test('an option is set, and read back by the length that the system tells', () => {
  withBench(({ words }, sockets) => {
    const id = sockets.socket(AF_INET, SOCK_STREAM, 0);
    const at = SLAB.data / 4;
    assert.equal(sockets.getOption(id, SOL_SOCKET, SO_TYPE, 128), 4);
    assert.equal(words[at], SOCK_STREAM);
    words[at] = 8192;
    assert.equal(sockets.setOption(id, SOL_SOCKET, SO_RCVBUF, 4), 0);
    assert.equal(sockets.getOption(id, SOL_SOCKET, SO_RCVBUF, 4), 4);
    assert.equal(words[at], 16384);
    assert.equal(sockets.setOption(id, SOL_SOCKET, SO_RCVBUF, 3), -EINVAL);
    assert.equal(sockets.getOption(id, SOL_SOCKET, 9999, 4), -ENOPROTOOPT);
    // With no room nothing is written.
    words[at] = 77;
    assert.equal(sockets.getOption(id, SOL_SOCKET, SO_TYPE, 0), 0);
    assert.equal(words[at], 77);
  });
});

test('SO_PEERPIDFD makes a descriptor only where its number can be told', (t) => {
  withBench((bench, sockets) => {
    const [near] = bench.pair(SOCK_STREAM);
    const before = countDescriptors();
    for (let length = 0; length < 4; length++)
      assert.equal(sockets.getOption(near, SOL_SOCKET, SO_PEERPIDFD, length), -EINVAL);
    assert.equal(countDescriptors(), before);
    const result = sockets.getOption(near, SOL_SOCKET, SO_PEERPIDFD, 4);
    if (result === -ENOPROTOOPT) {
      t.skip('before Linux 6.5');
      return;
    }
    assert.equal(result, 4);
    assert.ok(sockets.adopt(bench.words[SLAB.data / 4] ?? -1, true) > 0);
  });
});

test('options whose values hold addresses of memory are not for getOption and setOption', () => {
  withBench((bench, sockets) => {
    const id = sockets.socket(AF_INET, SOCK_STREAM, 0);
    bench.slab.fill(0x41, SLAB.data, SLAB.data + 256);
    const { TCP_ZEROCOPY_RECEIVE, SO_ATTACH_REUSEPORT_CBPF, SOL_MPTCP, MPTCP_FULL_INFO } = constants;
    const rows = [
      [SOL_SOCKET, SO_ATTACH_FILTER],
      [SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF],
      [IPPROTO_IP, 64],
      [IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE],
      [SOL_MPTCP, MPTCP_FULL_INFO],
    ] as const;
    for (const [level, name] of rows) {
      assert.equal(sockets.getOption(id, level, name, 128), -EINVAL);
      assert.equal(sockets.setOption(id, level, name, 128), -EINVAL);
    }
  });
});

test('a filter is attached, and read back whole: its length is in instructions', () => {
  withBench((bench, sockets) => {
    const [near, far] = bench.pair(SOCK_DGRAM);
    assert.equal(sockets.readFilter(far), 0);
    for (const [instructions, passes] of [
      [1, 0],
      [2, 3],
      [4096, 2 ** 31 - 1],
    ] as const) {
      // Loads of a constant, and at the end how many bytes are to pass.
      const program = new Int32Array(2 * instructions);
      program.set([6, passes], 2 * (instructions - 1));
      bench.words.set(program, SLAB.data / 4);
      assert.equal(sockets.attachFilter(far, SOL_SOCKET, SO_ATTACH_FILTER, instructions), 0);
      bench.words.fill(-1, SLAB.data / 4, SLAB.data / 4 + program.length + 2);
      assert.equal(sockets.readFilter(far), instructions);
      assert.deepEqual(bench.words.slice(SLAB.data / 4, SLAB.data / 4 + program.length), program);
      assert.equal(bench.words[SLAB.data / 4 + program.length], -1);
      bench.send(near, '0123456789');
      if (passes === 0) assert.equal(bench.receive(far, 20), -EAGAIN);
      else assert.equal(received(bench.receive(far, 20)).data, '0123456789'.slice(0, passes));
    }
    assert.equal(sockets.attachFilter(far, SOL_SOCKET, SO_ATTACH_FILTER, 0), -EINVAL);
    assert.equal(sockets.attachFilter(far, SOL_SOCKET, SO_DETACH_FILTER, 1), -EINVAL);
    assert.equal(sockets.attachFilter(far, IPPROTO_TCP, SO_ATTACH_FILTER, 1), -EINVAL);
  });
});
