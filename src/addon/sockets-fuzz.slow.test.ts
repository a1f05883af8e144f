/** Random calls of native sockets, good and bad ones, against a model of the ids that are open (F30, F41-F52). */
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import test from 'node:test';
import fc from 'fast-check';

import { NOTHING_USEFUL, NO_BYTES, NO_INTEGER } from '../testing/node/bad-values.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { loadNative } from './load.ts';
import type { NativeSockets } from './native-sockets.ts';
import {
  ENTRY,
  ENTRY_WORDS,
  MAX_MESSAGES,
  RECORD,
  RECORD_SIZE,
  RECORD_WORDS,
  SLAB,
  SLAB_SIZE,
} from './native-sockets.ts';

type Call = (...args: unknown[]) => unknown;
type Name = keyof NativeSockets;

const native = loadNative();
const { constants, controlHeader, errorNumbers } = native;
const { AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM } = constants;
const { MSG_CTRUNC, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_PEEK, MSG_TRUNC, MSG_WAITALL } = constants;
const {
  SCM_PIDFD,
  SCM_RIGHTS,
  SOL_SOCKET,
  SO_PASSCRED,
  SO_PASSPIDFD,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_TIMESTAMP,
} = constants;
const { EBADF } = errorNumbers;

const SLOTS = 2 ** 20;
const CONTROL = 65536;
const CONTROL_ROOM = 64;

/** Options that harm nobody: nothing waits by them, and nothing leaves this machine. */
const OPTIONS = [
  [SOL_SOCKET, SO_REUSEADDR],
  [SOL_SOCKET, SO_PASSCRED],
  [SOL_SOCKET, SO_PASSPIDFD],
  [SOL_SOCKET, SO_TIMESTAMP],
  [SOL_SOCKET, SO_RCVBUF],
  [SOL_SOCKET, constants.SO_ATTACH_FILTER],
  [constants.IPPROTO_IP, constants.IP_PKTINFO],
  [constants.IPPROTO_IP, constants.IP_RECVTTL],
  [constants.IPPROTO_IP, constants.IP_RECVERR],
  [constants.IPPROTO_IPV6, constants.IPV6_RECVPKTINFO],
  [constants.IPPROTO_TCP, constants.TCP_NODELAY],
] as const;

/** What the model knows of a random run. */
class Run {
  readonly sockets: NativeSockets;
  readonly words: Int32Array;
  /** The ids that must be open. */
  readonly open = new Set<number>();
  /** Ids that were, and whatever else is none. */
  readonly gone: number[] = [0, 1, SLOTS - 1, 2 ** 51, 2 ** 52 - 1];
  /** Of those that are open, the ids of lent descriptors: another one owns them. */
  readonly lent = new Set<number>();
  /** Descriptors that were given up, and are the run's to close. */
  readonly released: number[] = [];

  constructor() {
    const made = native.createSockets(() => undefined, false);
    if (typeof made === 'number') throw new Error(`createSockets answered ${String(made)}`);
    this.sockets = made;
    this.words = new Int32Array(made.slab().buffer);
  }

  /** An id by a random number: mostly one that is open. */
  id(pick: number): number {
    const ids = [...this.open];
    if (pick % 8 === 0 || ids.length === 0) return this.gone[pick % this.gone.length] ?? 0;
    return ids[pick % ids.length] ?? 0;
  }

  /** Notes the answer of a call that makes an id. */
  made(id: number): void {
    if (id < 0) return;
    assert.ok(!this.open.has(id) && !this.gone.includes(id), `${String(id)} came twice`);
    this.open.add(id);
  }

  lost(id: number, answer: number): void {
    assert.equal(answer < 0, !this.open.has(id), String(answer));
    if (this.open.delete(id)) this.gone.push(id);
  }

  /** A call of which the answer tells whether the id is open. */
  plain(id: number, answer: number): void {
    assert.ok(Number.isSafeInteger(answer));
    if (!this.open.has(id)) assert.equal(answer, -EBADF);
  }

  /** Notes the descriptors that came with the message of a record. */
  received(index: number): void {
    const record = this.words.subarray(index * RECORD_WORDS, (index + 1) * RECORD_WORDS);
    const start = Math.ceil(((record[RECORD.controlOffset] ?? 0) + CONTROL_ROOM) / 8) * 2;
    for (let i = 0; i < (record[RECORD.controlCount] ?? 0); i++) this.#entry(start + i * ENTRY_WORDS);
  }

  #entry(at: number): void {
    const { words } = this;
    const word = (field: number): number => words[at + field] ?? 0;
    const type = word(ENTRY.type);
    if (word(ENTRY.level) !== SOL_SOCKET || (type !== SCM_RIGHTS && type !== SCM_PIDFD)) return;
    const first = word(ENTRY.offset) / 4;
    for (const slot of words.subarray(first, first + Math.floor(word(ENTRY.length) / 4)))
      if (slot >= 0) this.made(this.sockets.idAt(slot));
  }

  /** Puts a name into its place: of the loopback, abstract, or cut. @returns its length */
  name(pick: number): number {
    const { words } = this;
    const bytes = new Uint8Array(words.buffer, SLAB.name, 128).fill(0);
    const family = [AF_INET, AF_INET6, AF_UNIX, AF_UNIX][pick % 4] ?? 0;
    bytes[0] = family;
    if (family === AF_INET) bytes.set([127, 0, 0, 1], 4);
    if (family === AF_INET6) bytes[23] = 1;
    if (family === AF_UNIX)
      bytes.set(Buffer.from(`portside-fuzz-${String(process.pid)}-${String(pick % 3)}`), 3);
    const whole = { [AF_INET]: 16, [AF_INET6]: 28 }[family] ?? 30;
    return pick % 7 === 0 ? pick % whole : whole;
  }

  /** Puts records for `count` messages, with one control message that carries a descriptor if there is one. */
  records(count: number, pick: number, fd: number): void {
    const { words } = this;
    words.set([controlHeader + 4, 0, SOL_SOCKET, SCM_RIGHTS, fd], CONTROL / 4 - 1024);
    for (let i = 0; i < count; i++) {
      const sends = fd >= 0 && (pick + i) % 2 === 0;
      words.set(
        [SLAB.data + 64 * i, pick % 65, 0, 0, CONTROL - 4096, sends ? 24 : 0, 0, 0],
        i * RECORD_WORDS,
      );
    }
  }

  roomForRecords(count: number, pick: number): void {
    for (let i = 0; i < count; i++) {
      const row = [SLAB.data + 64 * i, pick % 65, 0, 0, CONTROL + 256 * i, CONTROL_ROOM, 0, 0];
      this.words.set(row, i * RECORD_WORDS);
    }
  }

  end(): void {
    this.sockets.dispose();
    for (const fd of this.released) closeSync(fd);
  }
}

type Numbers = readonly [a: number, b: number, c: number];
const FLAGS = [0, MSG_PEEK, MSG_TRUNC, MSG_WAITALL, MSG_CTRUNC, -1] as const;
const flagsBy = (pick: number): number => (FLAGS[pick % FLAGS.length] ?? 0) | MSG_DONTWAIT | MSG_NOSIGNAL;
const READ = [0, MSG_PEEK, MSG_TRUNC] as const;
const readFlagsBy = (pick: number): number => (READ[pick % READ.length] ?? 0) | MSG_DONTWAIT;

function isOf(family: number, pick: number): readonly [number, number, number] {
  const types = [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] as const;
  return [family, types[pick % 3] ?? 0, 0];
}

/** Good calls, and what the model makes of their answers. */
const STEPS: Readonly<Record<string, (run: Run, numbers: Numbers) => void>> = {
  socket: (run, [a, b]) => {
    const family = [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, 999][a % 5] ?? 0;
    run.made(run.sockets.socket(...isOf(family, b)));
  },
  pair: (run, [a]) => {
    const first = run.sockets.pair(...isOf(a % 9 === 0 ? AF_INET : AF_UNIX, a));
    run.made(first);
    if (first >= 0) run.made(run.sockets.idAt(run.words[0] ?? 0));
  },
  duplicate: (run, [a]) => {
    const id = run.id(a);
    const copy = run.sockets.duplicate(id);
    run.plain(id, copy);
    run.made(copy);
  },
  close: (run, [a]) => {
    const id = run.id(a);
    run.lost(id, run.sockets.close(id));
  },
  release: (run, [a]) => {
    const id = run.id(a);
    const fd = run.sockets.release(id);
    run.lost(id, fd);
    if (fd >= 0 && !run.lent.has(id)) run.released.push(fd);
  },
  adopt: (run, [a]) => {
    const fd = run.released.pop();
    run.made(run.sockets.adopt(fd ?? 2 ** 31 - 1, true));
    const lent = run.sockets.descriptor(run.id(a));
    if (lent < 0 || a % 3 !== 0) return;
    const id = run.sockets.adopt(lent, false);
    run.made(id);
    run.lent.add(id);
  },
  bind: (run, [a, b]) => {
    const id = run.id(a);
    run.plain(id, run.sockets.bind(id, run.name(b)));
  },
  connect: (run, [a, b]) => {
    const id = run.id(a);
    run.plain(id, run.sockets.connect(id, run.name(b)));
  },
  listen: (run, [a, b]) => {
    const id = run.id(a);
    run.plain(id, run.sockets.listen(id, b));
  },
  accept: (run, [a]) => {
    const id = run.id(a);
    const made = run.sockets.accept(id);
    run.plain(id, made);
    run.made(made);
  },
  names: (run, [a]) => {
    const id = run.id(a);
    run.plain(id, run.sockets.localAddress(id));
    run.plain(id, run.sockets.remoteAddress(id));
  },
  send: (run, [a, b, c]) => {
    const id = run.id(a);
    run.plain(id, run.sockets.send(id, b % 5000, flagsBy(c)));
    run.plain(id, run.sockets.sendBytes(id, new Uint8Array(b % 100), flagsBy(c)));
    run.plain(id, run.sockets.sendTo(id, b % 100, flagsBy(c), run.name(b)));
  },
  recv: (run, [a, b, c]) => {
    const id = run.id(a);
    run.plain(id, run.sockets.recv(id, b % 5000, readFlagsBy(c)));
    run.plain(id, run.sockets.recvBytes(id, new Uint8Array(b % 100), readFlagsBy(c)));
    run.plain(id, run.sockets.recvFrom(id, b % 100, readFlagsBy(c)));
  },
  sendMessages: (run, [a, b, c]) => {
    const id = run.id(a);
    run.records(4, b, run.sockets.descriptor(run.id(c)));
    run.plain(id, run.sockets.sendMessage(id, flagsBy(c)));
    run.plain(id, run.sockets.sendMessages(id, 1 + (b % 4), flagsBy(c)));
  },
  recvMessages: (run, [a, b, c]) => {
    const id = run.id(a);
    run.roomForRecords(4, b);
    const first = run.sockets.recvMessage(id, readFlagsBy(c));
    run.plain(id, first);
    if (first >= 0) run.received(0);
    run.roomForRecords(4, b);
    const count = run.sockets.recvMessages(id, 4, readFlagsBy(c));
    run.plain(id, count);
    for (let i = 0; i < count; i++) run.received(i);
  },
  options: (run, [a, b, c]) => {
    const id = run.id(a);
    const [level, name] = OPTIONS[b % OPTIONS.length] ?? OPTIONS[0];
    run.words[SLAB.data / 4] = c;
    run.plain(id, run.sockets.setOption(id, level, name, c % 9));
    run.plain(id, run.sockets.getOption(id, level, name, c % 300));
    run.plain(id, run.sockets.readFilter(id));
    run.plain(id, run.sockets.attachFilter(id, level, name, c % 4));
    run.plain(id, run.sockets.count(id, c % 3));
    run.plain(id, run.sockets.setBlocking(id, false));
  },
  waits: (run, [a, b, c]) => {
    const id = run.id(a);
    run.plain(id, run.sockets.wait(id, b % 32768, 0));
    run.words.set([run.sockets.descriptor(id), b, 0, -1, c, 0], SLAB.data / 4);
    assert.ok(run.sockets.poll(b % 3, 0) >= 0);
    run.plain(id, run.sockets.watch(id, 1 + (c % 3)));
    if (c % 4 === 0) run.plain(id, run.sockets.unwatch(id));
    run.sockets.reference(c % 2 === 0);
  },
  shutdown: (run, [a, b]) => {
    const id = run.id(a);
    run.plain(id, run.sockets.shutdown(id, b % 4));
  },
};

/** Bad for every parameter: what is no bytes may well be a number, and a descriptor of this process. */
const BAD_VALUES = [...NOTHING_USEFUL, ...NO_INTEGER, ...NO_BYTES]
  .map(([, value]) => value)
  .filter((value) => !Number.isInteger(value) && typeof value !== 'boolean');
/** Functions that may be called with anything: none of them closes what is not ours, waits, or leaves this machine. */
const HARDY: readonly Name[] = [
  'accept',
  'attachFilter',
  'count',
  'descriptor',
  'getOption',
  'idAt',
  'listen',
  'live',
  'localAddress',
  'readFilter',
  'recv',
  'recvBytes',
  'recvFrom',
  'remoteAddress',
  'send',
  'sendBytes',
  'sendMessage',
  'sendMessages',
  'shutdown',
  'slab',
  'unwatch',
  'watch',
];
/** Such that would; they get nothing but bad values. */
const DELICATE: readonly Name[] = [
  'adopt',
  'bind',
  'connect',
  'pair',
  'poll',
  'sendTo',
  'setOption',
  'socket',
  'wait',
];

/** A call whose answer is a number, nothing or the slab, or which throws what it may throw. */
function attempt(run: Run, name: Name, args: readonly unknown[]): void {
  try {
    const answer = (run.sockets[name] as Call)(...args);
    // The slab is the one answer that is no number, and too long to be put into words.
    if (!(answer instanceof Uint8Array))
      assert.ok(answer === undefined || Number.isSafeInteger(answer), String(answer));
    if (name === 'accept') run.made(answer as number);
  } catch (error) {
    assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
    assert.match((error as { code?: string }).code ?? '', /^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/);
  }
}

const natural = fc.nat({ max: 2 ** 31 - 1 });
const numbers = fc.tuple(natural, natural, natural);
const bad = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<unknown>(...BAD_VALUES) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(-1, -0.5, 2 ** 32, 2 ** 53, -(2 ** 31) - 1) },
);
const anything = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<unknown>(0, 1, 2, 3, 4, 10, 128, 65535, SLAB_SIZE, -0, -1) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  { weight: 3, arbitrary: bad },
  { weight: 1, arbitrary: fc.double() },
  { weight: 1, arbitrary: fc.anything({ withBigInt: true, withTypedArray: true }) },
);

/** One step of a run, as data, so that a counterexample says what it did. */
type Step = readonly [kind: keyof typeof KINDS, name: string, numbers: Numbers, args: readonly unknown[]];

const KINDS = {
  good: (run: Run, name: string, given: Numbers): void => {
    STEPS[name]?.(run, given);
  },
  /** Any arguments for a socket that is mostly open. */
  wild: (run: Run, name: string, [pick]: Numbers, args: readonly unknown[]): void => {
    // Zeros, so that no record names a place by chance.
    run.words.fill(0, 0, RECORD_SIZE);
    // Nor are the flags such that the call waits.
    const rest = /^(recv|send)/.test(name) ? [...args.slice(0, 1), MSG_DONTWAIT] : args;
    attempt(run, name as Name, [pick % 3 === 0 ? args[0] : run.id(pick), ...rest]);
  },
  bad: (run: Run, name: string, _: Numbers, args: readonly unknown[]): void => {
    attempt(run, name as Name, args);
  },
  /** Records of any content. */
  record: (run: Run, name: string, [pick, count]: Numbers, content: readonly unknown[]): void => {
    run.words.set(content as readonly number[], 0);
    const counts = name === 'sendMessages' ? [1 + (count % MAX_MESSAGES)] : [];
    attempt(run, name as Name, [run.id(pick), ...counts, MSG_DONTWAIT | MSG_NOSIGNAL]);
  },
} as const;

function stepsOf(
  kind: keyof typeof KINDS,
  names: readonly string[],
  argument: fc.Arbitrary<unknown>,
  maxLength: number,
): fc.Arbitrary<Step> {
  return fc.tuple(
    fc.constant(kind),
    fc.constantFrom(...names),
    numbers,
    fc.array(argument, { minLength: kind === 'bad' ? 1 : 0, maxLength }),
  );
}

const steps = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: stepsOf('good', Object.keys(STEPS), fc.constant(0), 0) },
    { weight: 3, arbitrary: stepsOf('wild', HARDY, anything, 4) },
    { weight: 1, arbitrary: stepsOf('bad', DELICATE, bad, 4) },
    { weight: 1, arbitrary: stepsOf('record', ['sendMessage', 'sendMessages'], fc.integer(), 32) },
  ),
  { minLength: 1, maxLength: 80, size: 'max' },
);

test('no sequence of calls crashes, leaks, or tells of an id that is not open', async () => {
  const property = fc.asyncProperty(steps, fc.boolean(), async (given, hasTurns) => {
    const before = countDescriptors();
    const run = new Run();
    try {
      for (const [i, [kind, name, ...rest]] of given.entries()) {
        KINDS[kind](run, name, ...rest);
        assert.equal(run.sockets.live(), run.open.size);
        if (hasTurns && i % 20 === 19) await new Promise(setImmediate);
      }
      for (const id of run.open) assert.ok(run.sockets.descriptor(id) >= 0);
    } finally {
      run.end();
    }
    assert.equal(countDescriptors(), before);
  });
  await fc.assert(property, { numRuns: 400, includeErrorInReport: true });
});
