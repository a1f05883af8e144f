/** Cases of `datagramSuite`: callbacks come later, once, in order, and may do anything to the socket. */
import type { SocketAddress } from '../base/address.ts';
import type { Datagram } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import {
  numbered,
  numberOf,
  onUnixMessages,
  type DatagramHarness,
  type DatagramPair,
  type DatagramSetting,
} from './datagram-harness.ts';
import type { DatagramHooks, DatagramRecorder } from './datagram-recorder.ts';
import { check, checkError, equal, equalList, SuiteFailure } from './suite.ts';

type Ending = (socket: Datagram) => void;
/** Where inside the life of a socket something is done to it. */
type Place = 'close' | 'done' | 'drain' | 'error' | 'receive';

const PLACES: readonly Place[] = ['receive', 'done', 'error', 'close'];

/** Brings socket `b` to call each of its callbacks. */
async function stir(
  h: DatagramHarness,
  { a, b, toA, toB }: DatagramPair,
  place: Place,
  act: () => void,
): Promise<void> {
  for (let i = 0; i < 3; i++) {
    const then = place === 'done' && i === 0 ? act : undefined;
    sendQuietly(b, () => b.send({ bytes: numbered(i, 100), to: toA }, h.done(`done ${String(i)}`, then)));
  }
  if (place === 'error') sendTooLarge(h, b, toA);
  for (let i = 0; i < 5; i++) a.send({ bytes: numbered(i, 100), to: toB }, () => undefined);
  if (place === 'close') await b.close();
}

function sendTooLarge(h: DatagramHarness, socket: Datagram, to: SocketAddress | undefined): void {
  socket.send({ bytes: new Uint8Array(h.isUdp ? 65_536 : 16 * 1024 * 1024), to });
}

/** The socket may have been closed by a callback in between. */
function sendQuietly(socket: Datagram, send: () => void): void {
  try {
    send();
  } catch (error) {
    checkError(error, { name: 'ClosedError' }, `send on socket ${String(socket.id)}`);
  }
}

async function endInside(h: DatagramHarness, place: Place, ending: Ending): Promise<void> {
  const pair = await h.pair();
  const { a, b } = pair;
  let ended = 0;
  const end = (): void => {
    ended += 1;
    ending(b);
  };
  const hooks: DatagramHooks = place === 'done' ? {} : { [place]: end };
  h.recordDatagram(a);
  const atB = h.recordDatagram(b, hooks);
  await stir(h, pair, place, end);
  equal(await atB.untilClose(), null, 'close');
  check(ended > 0, `${place} was never called`);
  if (place === 'receive') equal(atB.datagrams.length, 1, 'datagrams told');
  await h.quiet();
}

async function endInsideDrain(h: DatagramHarness, ending: Ending): Promise<void> {
  const { a, b, toB } = await h.pair({ highWaterMark: 4096 });
  let isArmed = false;
  const hooks: DatagramHooks = {
    drain: () => {
      if (isArmed) ending(a);
    },
  };
  const atA: DatagramRecorder = h.recordDatagram(a, hooks);
  b.pause();
  h.recordDatagram(b);
  await h.clogWith(a, toB, atA, 1000);
  isArmed = true;
  b.resume();
  equal(await atA.untilClose(), null, 'close');
  await h.quiet();
}

async function sendInsideEverything(h: DatagramHarness): Promise<void> {
  const { a, b, toA, toB } = await h.pair();
  let number = 100;
  const send = (): void => {
    if (number < 130) a.send({ bytes: numbered(number++, 50), to: toB }, h.done('done', send));
  };
  h.recordDatagram(a, { receive: send, error: send });
  const atB = h.recordDatagram(b);
  await h.mustSend(b, { bytes: numbered(1, 10), to: toA });
  sendTooLarge(h, a, toB);
  await atB.untilCount(30);
  equalList(
    atB.datagrams.map((each) => numberOf(each.bytes)),
    Array.from({ length: 30 }, (_, i) => 100 + i),
    'datagrams sent inside callbacks',
  );
}

async function callsInsideClose(h: DatagramHarness): Promise<void> {
  const { b, toA } = await h.pair();
  const seen: unknown[] = [];
  const unused = h.datagramRecorder();
  const message = { bytes: numbered(1, 10), to: toA };
  const attempts: (() => unknown)[] = [
    () => {
      b.start(unused);
    },
    () => b.send(message, h.calls.never('done of a send inside close')),
    () => b.sendMany([message]),
    () => {
      b.resume();
    },
  ];
  const atB = h.recordDatagram(b, {
    close: () => {
      for (const attempt of attempts) {
        try {
          seen.push(attempt());
        } catch (error) {
          seen.push(error);
        }
      }
    },
  });
  await b.close();
  await atB.untilClose();
  for (const error of seen) checkError(error, { name: 'ClosedError' }, 'call inside close');
  equal(seen.length, attempts.length, 'calls inside close');
}

async function throwInside(h: DatagramHarness, place: Place): Promise<void> {
  const { captureUncaught } = h.options;
  if (captureUncaught === undefined) throw new SuiteFailure('this case needs captureUncaught');
  const pair = await h.pair();
  const other = await h.pair();
  const capture = captureUncaught();
  try {
    const mistake = new Error(`thrown inside ${place}`);
    let isThrown = false;
    const fail = (): void => {
      if (isThrown) return;
      isThrown = true;
      throw mistake;
    };
    h.recordDatagram(pair.a);
    const atB = h.recordDatagram(pair.b, place === 'done' ? {} : { [place]: fail });
    h.recordDatagram(other.a);
    const beside = h.recordDatagram(other.b);
    other.a.send({ bytes: numbered(1, 10), to: other.toB }, h.done('beside'));
    await stir(h, pair, place, fail);
    equal(await capture.next(), mistake, 'what was reported as uncaught');
    other.a.send({ bytes: numbered(2, 10), to: other.toB }, h.done('beside again'));
    await beside.untilCount(2);
    if (place !== 'close') await atB.untilCount(5);
  } finally {
    capture.stop();
  }
}

const close: Ending = (socket) => void socket.close();
const abort: Ending = (socket) => {
  socket.abort();
};

export const DATAGRAM_CALLBACK_CASES: readonly CaseRow<DatagramHarness, DatagramSetting>[] = [
  ...PLACES.map((place): CaseRow<DatagramHarness, DatagramSetting> => ({
    name: `close inside ${place} settles everything once (F25)`,
    promises: ['once', 'closed.silent'],
    run: (h) => endInside(h, place, close),
  })),
  ...PLACES.map((place): CaseRow<DatagramHarness, DatagramSetting> => ({
    name: `abort inside ${place} settles everything once (F25)`,
    promises: ['once', 'closed.silent'],
    run: (h) => endInside(h, place, abort),
  })),
  {
    name: 'close inside drain settles everything once',
    promises: ['once', 'closed.silent'],
    when: onUnixMessages,
    run: (h) => endInsideDrain(h, close),
  },
  {
    name: 'abort inside drain settles everything once',
    promises: ['once', 'closed.silent'],
    when: onUnixMessages,
    run: (h) => endInsideDrain(h, abort),
  },
  {
    name: 'sends inside callbacks go out in their order, and starve nobody',
    promises: ['send.order', 'once', 'order.later'],
    run: sendInsideEverything,
  },
  { name: 'other calls inside close throw ClosedError', promises: ['closed.calls'], run: callsInsideClose },
  ...PLACES.map((place): CaseRow<DatagramHarness, DatagramSetting> => ({
    name: `an exception inside ${place} is uncaught and hurts no other`,
    promises: ['datagram.throw'],
    when: (about) => about.options.captureUncaught !== undefined,
    run: (h) => throwInside(h, place),
  })),
];
