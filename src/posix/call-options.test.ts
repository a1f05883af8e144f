/** Options of calls: a misspelt one, or one of another form of the call, is refused before anything is done. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameInfo, nameInfoSync } from './name-info.ts';
import { resolve, resolveSync } from './resolve.ts';
import type { Socket } from './socket.ts';
import { BYTES, LOOPBACK, NOBODY, pairOf, settledLeakCheck } from './test-kit.ts';

const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

type Call = (socket: Socket, options: never) => unknown;
type Row = readonly [name: string, call: Call, misspelt: object, meant: string | null];

const TIME = { timout: 5 };
const FLAGS = { flag: 0 };
/** Of another form of the call. */
const SIGNAL = { signal: AbortSignal.abort() };

const ROWS: readonly Row[] = [
  ['send', (s, o) => s.send(BYTES, o), TIME, 'timeout'],
  ['send', (s, o) => s.send(BYTES, o), SIGNAL, null],
  ['sendAsync', (s, o) => s.sendAsync(BYTES, o), FLAGS, 'flags'],
  ['sendTo', (s, o) => s.sendTo(BYTES, NOBODY, o), FLAGS, 'flags'],
  ['sendToAsync', (s, o) => s.sendToAsync(BYTES, NOBODY, o), TIME, 'timeout'],
  ['recv', (s, o) => s.recv(1, o), TIME, 'timeout'],
  ['recvAsync', (s, o) => s.recvAsync(1, o), { signl: null }, 'signal'],
  ['recvInto', (s, o) => s.recvInto(new Uint8Array(1), o), FLAGS, 'flags'],
  ['recvIntoAsync', (s, o) => s.recvIntoAsync(new Uint8Array(1), o), TIME, 'timeout'],
  ['recvFrom', (s, o) => s.recvFrom(1, o), TIME, 'timeout'],
  ['recvFromAsync', (s, o) => s.recvFromAsync(1, o), TIME, 'timeout'],
  ['sendMsg', (s, o) => s.sendMsg({ data: BYTES }, o), TIME, 'timeout'],
  ['sendMsgAsync', (s, o) => s.sendMsgAsync({ data: BYTES }, o), TIME, 'timeout'],
  ['sendMany', (s, o) => s.sendMany([{ data: BYTES }], o), TIME, 'timeout'],
  ['recvMsg', (s, o) => s.recvMsg({}, o), TIME, 'timeout'],
  ['recvMsg of room', (s, o) => s.recvMsg(o), { controlsize: 5 }, 'controlSize'],
  ['recvMsg of room', (s, o) => s.recvMsg(o), { count: 5 }, null],
  ['recvMsgAsync of room', (s, o) => s.recvMsgAsync(o), { sise: 5 }, 'size'],
  ['recvMany of room', (s, o) => s.recvMany(o), { counts: 5 }, 'count'],
  ['recvManyAsync', (s, o) => s.recvManyAsync({}, o), TIME, 'timeout'],
  ['connect', (s, o) => s.connect(NOBODY, o), TIME, 'timeout'],
  ['connect', (s, o) => s.connect(NOBODY, o), { flags: 0 }, null],
  ['connectAsync', (s, o) => s.connectAsync(NOBODY, o), TIME, 'timeout'],
  ['accept', (s, o) => s.accept(o), TIME, 'timeout'],
  ['accept', (s, o) => s.accept(o), { flags: 0 }, null],
  ['acceptAsync', (s, o) => s.acceptAsync(o), { flags: 0 }, null],
  ['readable', (s, o) => s.readable(o), TIME, 'timeout'],
  ['writable', (s, o) => s.writable(o), TIME, 'timeout'],
  ['resolve', (_, o) => resolve('127.0.0.1', o), { typ: 'SOCK_STREAM' }, 'type'],
  ['resolve', (_, o) => resolve('127.0.0.1', o), TIME, 'timeout'],
  ['resolveSync', (_, o) => resolveSync('127.0.0.1', o), { familiy: 'AF_INET' }, 'family'],
  ['resolveSync', (_, o) => resolveSync('127.0.0.1', o), { timeout: 5 }, null],
  ['nameInfo', (_, o) => nameInfo(LOOPBACK, o), FLAGS, 'flags'],
  ['nameInfoSync', (_, o) => nameInfoSync(LOOPBACK, o), { timeout: 5 }, null],
];

for (const [name, call, misspelt, meant] of ROWS) {
  const [key = ''] = Object.keys(misspelt);
  test(`Socket.${name} refuses ${key} as an option`, async (t) => {
    const [socket] = pairOf(t, 'SOCK_DGRAM');
    await assert.rejects(
      async () => {
        await call(socket, misspelt as never);
      },
      (error: unknown) => {
        assert.ok(error instanceof TypeError, String(error));
        const advice = meant === null ? '' : `; did you mean ${meant}?`;
        return error.message === `${key}: there is no such option${advice}`;
      },
    );
    assert.equal(socket.unsent(), 0, 'nothing was sent');
  });
}
