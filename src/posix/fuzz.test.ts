/** Every entry point of the door, with arguments that may be right, in any order: errors only, and nothing left behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as door from '../doors/posix.ts';
import { FuzzWorld, OWN } from '../e2e/fuzz-world.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { enterTempFolder } from '../testing/node/temp-path.ts';
import { settledLeakCheck } from './test-kit.ts';

// A Unix socket that is bound to a path makes a file of it.
enterTempFolder();
const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

type Kind = keyof FuzzWorld['kinds'];

/** What each method of a socket takes. */
const METHODS: Readonly<Record<string, readonly Kind[]>> = {
  accept: ['options'],
  acceptAsync: ['options'],
  available: [],
  bind: ['address'],
  close: [],
  connect: ['address', 'options'],
  connectAsync: ['address', 'options'],
  detach: [],
  dup: [],
  family: [],
  fd: [],
  getOption: ['level', 'name', 'value'],
  getRaw: ['level', 'name', 'size', 'bytes'],
  isAtMark: [],
  isClosed: [],
  listen: ['count'],
  localAddress: [],
  peerCredentials: [],
  peerPidfd: [],
  protocol: [],
  readable: ['options'],
  recv: ['size', 'options'],
  recvAsync: ['size', 'options'],
  recvFrom: ['size', 'options'],
  recvFromAsync: ['size', 'options'],
  recvInto: ['bytes', 'options'],
  recvIntoAsync: ['bytes', 'options'],
  recvMany: ['room', 'options'],
  recvManyAsync: ['room', 'options'],
  recvMsg: ['room', 'options'],
  recvMsgAsync: ['room', 'options'],
  remoteAddress: [],
  send: ['bytes', 'options'],
  sendAsync: ['bytes', 'options'],
  sendMany: ['messages', 'options'],
  sendManyAsync: ['messages', 'options'],
  sendMsg: ['message', 'options'],
  sendMsgAsync: ['message', 'options'],
  sendTo: ['bytes', 'address', 'options'],
  sendToAsync: ['bytes', 'address', 'options'],
  setOption: ['level', 'name', 'value'],
  setRaw: ['level', 'name', 'bytes'],
  shutdown: ['how'],
  type: [],
  unsent: [],
  writable: ['options'],
};

/** What is not a method of a socket. */
const FUNCTIONS: Readonly<Record<string, readonly Kind[]>> = {
  'Socket.fromFd': ['fd', 'bad'],
  'Socket.pair': ['family', 'type', 'integer'],
  'Socket.socket': ['family', 'type', 'integer'],
  decodeSockaddr: ['bytes'],
  encodeSockaddr: ['address'],
  formatSocketAddress: ['address'],
  interfaceIndex: ['word'],
  interfaceName: ['integer'],
  interfaces: [],
  isSocketError: ['bad'],
  nameInfo: ['address', 'options'],
  nameInfoSync: ['address', 'options'],
  // Without a time it would wait for ever.
  poll: ['items', 'time'],
  protocolByName: ['word'],
  protocolByNumber: ['integer'],
  resolve: ['host', 'options'],
  resolveSync: ['host', 'options'],
  serviceByName: ['word', 'word'],
  serviceByPort: ['integer', 'word'],
};

/** Of TypeScript's `protected`: nobody is told of them. */
const INTERNAL: readonly string[] = ['end', 'error', 'refused', 'requireOpen', 'run', 'runAsync'];

const ERROR_CLASSES = /Error$/;

/** Names of the methods and getters of a class and its parents. */
function namesOf(prototype: object): string[] {
  const parent = Object.getPrototypeOf(prototype) as object;
  const own = Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor');
  return parent === Object.prototype ? own : [...own, ...namesOf(parent)];
}

test('the fuzz knows every entry point', () => {
  const methods = new Set(namesOf(door.Socket.prototype));
  for (const name of INTERNAL) assert.ok(methods.delete(name), name);
  assert.deepEqual(Object.keys(METHODS).sort(), [...methods].sort());
  const statics = Object.getOwnPropertyNames(door.Socket)
    .filter((name) => typeof Reflect.get(door.Socket, name) === 'function')
    .map((name) => `Socket.${name}`);
  const functions = Object.entries(door)
    .filter(([, value]) => typeof value === 'function' && !value.toString().startsWith('class'))
    .map(([name]) => name);
  assert.deepEqual(Object.keys(FUNCTIONS).sort(), [...statics, ...functions].sort());
  const classes = Object.entries(door).filter(
    ([, value]) => typeof value === 'function' && value.toString().startsWith('class'),
  );
  assert.deepEqual(
    classes.map(([name]) => name).filter((name) => !ERROR_CLASSES.test(name)),
    ['Descriptor', 'ReceivedMessage', 'Socket'],
  );
});

/** A call: whom it is made on, its name, its arguments as kinds and numbers. */
interface Call {
  readonly on: number;
  readonly name: string;
  readonly args: readonly (readonly [Kind, number])[];
}

const anyKind = fc.constantFrom<Kind>('bad', 'bytes', 'options', 'address', 'size', 'message', 'flags');

/** Mostly of the kinds that there ought to be, and sometimes too few of them. */
function argumentsOf(kinds: readonly Kind[], least: number): fc.Arbitrary<Call['args']> {
  const each = kinds.map((kind) =>
    fc.tuple(
      fc.oneof({ weight: 7, arbitrary: fc.constant(kind) }, { weight: 1, arbitrary: anyKind }),
      fc.nat(0xffff),
    ),
  );
  return fc
    .tuple(fc.nat(9), fc.tuple(...each))
    .map(([cut, args]) => (cut === 0 ? args.slice(0, Math.max(least, args.length - 1)) : args));
}

const calls: fc.Arbitrary<Call> = fc.oneof(
  ...Object.entries({ ...METHODS, ...FUNCTIONS }).map(([name, kinds]) =>
    fc.record({ on: fc.nat(99), name: fc.constant(name), args: argumentsOf(kinds, name === 'poll' ? 2 : 0) }),
  ),
);

function make(world: FuzzWorld, { on, name, args }: Call): void {
  // A number would be taken for milliseconds, and may be many.
  const safe = name === 'poll' ? args.map(([kind, n], i) => [i === 1 ? 'time' : kind, n] as const) : args;
  const given = safe.map(([kind, n]) => world.kinds[kind](n));
  const socket = world.sockets[on % world.sockets.length];
  if (socket === undefined) throw new Error('there are no sockets');
  world.attempt((): unknown => {
    if (!Object.hasOwn(METHODS, name)) {
      const home = name.startsWith('Socket.') ? door.Socket : door;
      return (Reflect.get(home, name.replace('Socket.', '')) as (...all: unknown[]) => unknown).apply(
        home,
        given,
      );
    }
    const method: unknown = Reflect.get(socket, name);
    if (typeof method !== 'function') return method;
    const answer: unknown = Reflect.apply(method, socket, given);
    if (name === 'detach') world.keepNumber(answer);
    // Its value is a descriptor of the caller's.
    if (name.startsWith('get') && given[1] === 'SO_PEERPIDFD')
      world.keepNumber(answer instanceof Uint8Array ? Buffer.from(answer).readInt32LE() : answer);
    return answer;
  });
}

/** An error that a program may get: ours by its class, the language's for bad arguments, or the fuzz's own. */
function isExpected(error: unknown): boolean {
  if (error === OWN || door.isSocketError(error)) return true;
  if (!(error instanceof TypeError || error instanceof RangeError)) return false;
  // Somebody did not look at what was given before using it.
  return !/Cannot (read|destructure|convert|set)|is not (a function|iterable|defined|a constructor)/.test(
    error.message,
  );
}

async function live(list: readonly Call[]): Promise<{ errors: number; answers: number }> {
  const before = countDescriptors();
  const world = new FuzzWorld();
  for (const call of list) make(world, call);
  await world.end();
  const wrong = world.errors.filter((error) => !isExpected(error));
  assert.deepEqual(wrong, []);
  assert.equal(countDescriptors(), before);
  return { errors: world.errors.length, answers: world.answers };
}

test('no sequence of calls crashes, leaks, or throws what it should not (F30 to F50)', async (t) => {
  const seed = Date.now() & 0x7fffffff;
  t.diagnostic(`seed ${String(seed)}`);
  const seen = { errors: 0, answers: 0, calls: 0 };
  const property = fc.asyncProperty(fc.array(calls, { minLength: 10, maxLength: 60 }), async (list) => {
    const { errors, answers } = await live(list);
    seen.errors += errors;
    seen.answers += answers;
    seen.calls += list.length;
  });
  await fc.assert(property, { seed, numRuns: 200 });
  t.diagnostic(`${String(seen.calls)} calls, ${String(seen.answers)} answers, ${String(seen.errors)} errors`);
  // It is of use only if many calls succeed, and many fail.
  assert.ok(seen.answers > seen.calls / 10 && seen.errors > seen.calls / 10, JSON.stringify(seen));
});
