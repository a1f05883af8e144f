/** How a protected connection ends: every way that the last bytes can be cut, over every provider. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { once } from 'node:events';
import test from 'node:test';
import type { SocketError } from '../base/errors.ts';
import { BrokenError, SystemError, TlsError } from '../base/errors.ts';
import type { SocketProvider, Stream } from '../base/provider.ts';
import { localProvider } from '../engine/local-provider.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { acceptOne } from '../testing/pair-maker.ts';
import { authority, bytes, good, portOf, text, written } from './test-kit.ts';
import { portableProvider } from './portable-provider.ts';

const PROVIDERS: Readonly<Record<string, () => SocketProvider>> = {
  local: () => localProvider(),
  portable: () => portableProvider(),
};

/** A client that speaks TLS by Node, and whose records wait until the test sends them, cut as it likes. */
class Cutter {
  readonly socket: Socket;
  readonly tls: TLSSocket;
  readonly #held: Uint8Array[] = [];
  #isHolding = false;

  constructor(socket: Socket) {
    this.socket = socket;
    const duplex = new Duplex({
      allowHalfOpen: true,
      read: () => undefined,
      write: (chunk: Uint8Array, _encoding, done) => {
        if (this.#isHolding) this.#held.push(chunk);
        else socket.write(chunk);
        setImmediate(done);
      },
    });
    socket.on('data', (chunk) => duplex.push(chunk));
    socket.on('end', () => duplex.push(null));
    socket.on('error', () => undefined);
    this.tls = new TLSSocket(duplex, { isServer: true, ...good });
    this.tls.on('error', () => undefined);
  }

  /** The records for `last`, and for the `close_notify` behind it if `notifies`. */
  async records(last: string, notifies: boolean): Promise<Buffer> {
    this.#isHolding = true;
    if (last !== '') await new Promise((resolve) => this.tls.write(last, resolve));
    if (notifies) {
      this.tls.end();
      await once(this.tls, 'finish');
    }
    return Buffer.concat(this.#held.splice(0));
  }
}

/** What the peer does, and what the stream tells behind its bytes. */
interface Ending {
  readonly name: string;
  readonly last: string;
  readonly notifies: boolean;
  /** Sends the records, and ends, or does not. */
  send(socket: Socket, records: Buffer): void;
  readonly tells: 'end' | 'truncated' | 'reset';
}

const GARBAGE = Buffer.alloc(64 * 1024, 'garbage');

const ENDINGS: readonly Ending[] = [
  {
    name: 'data, close_notify and FIN in one segment',
    last: 'last',
    notifies: true,
    send: (socket, records) => socket.end(records),
    tells: 'end',
  },
  {
    name: 'close_notify, and the connection stays open',
    last: '',
    notifies: true,
    send: (socket, records) => socket.write(records),
    tells: 'end',
  },
  {
    name: 'close_notify, then a flood of garbage',
    last: 'last',
    notifies: true,
    send: (socket, records) => {
      socket.write(records);
      for (let i = 0; i < 256; i++) socket.write(GARBAGE);
    },
    tells: 'end',
  },
  {
    name: 'data and FIN in one segment',
    last: 'last',
    notifies: false,
    send: (socket, records) => socket.end(records),
    tells: 'truncated',
  },
  {
    name: 'half a record and FIN',
    last: 'last',
    notifies: false,
    send: (socket, records) => socket.end(records.subarray(0, records.length - 3)),
    tells: 'truncated',
  },
  { name: 'FIN alone', last: '', notifies: false, send: (socket) => socket.end(), tells: 'truncated' },
  {
    name: 'half a close_notify and FIN',
    last: '',
    notifies: true,
    send: (socket, records) => socket.end(records.subarray(0, records.length - 3)),
    tells: 'truncated',
  },
  {
    name: 'a reset behind data',
    last: 'last',
    notifies: false,
    send: (socket, records) => {
      socket.write(records);
      socket.resetAndDestroy();
    },
    tells: 'reset',
  },
  {
    name: 'a reset alone',
    last: '',
    notifies: false,
    send: (socket) => socket.resetAndDestroy(),
    tells: 'reset',
  },
];

/** Everything that a stream tells, in order. */
class Log {
  readonly told: string[] = [];
  error: SocketError | null = null;
  readonly over: Promise<void>;

  constructor(stream: Stream) {
    this.over = new Promise((resolve) => {
      stream.start({
        data: (chunk) => this.told.push(text(chunk)),
        end: () => {
          this.told.push('end');
          resolve();
        },
        close: (error) => {
          this.error = error;
          this.told.push('close');
          resolve();
        },
      });
    });
  }

  check({ last, tells, name }: Ending): void {
    const whole = name.startsWith('half a record') ? '' : last;
    const final = tells === 'end' ? 'end' : 'close';
    assert.deepEqual([this.told.slice(0, -1).join(''), this.told.at(-1)], [whole, final]);
    if (tells === 'end') return;
    assert.ok(this.error instanceof BrokenError);
    const { cause } = this.error;
    if (tells === 'reset') assert.ok(cause instanceof SystemError && cause.code === 'ECONNRESET');
    else assert.ok(cause instanceof TlsError && cause.code === 'ERR_SSL_UNEXPECTED_EOF_WHILE_READING');
  }
}

async function shaken(provider: SocketProvider): Promise<{ stream: Stream; cutter: Cutter }> {
  const plain = await provider.listen({});
  const accepted = acceptOne(plain);
  const socket = connect({ port: portOf(plain), host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  await once(socket, 'connect');
  const cutter = new Cutter(socket);
  const stream = await (await accepted).upgrade({ ca: authority, servername: 'localhost' });
  // What came first is known to have come: nothing of the handshake is on its way any more.
  await new Promise((resolve) => cutter.tls.write('first', resolve));
  return { stream, cutter };
}

async function told(log: Log, what: string): Promise<void> {
  while (log.told.join('') !== what) await new Promise((resolve) => setImmediate(resolve));
}

for (const [kind, make] of Object.entries(PROVIDERS)) {
  for (const ending of ENDINGS) {
    for (const isPaused of [false, true]) {
      const how = isPaused ? 'while paused' : 'while reading';
      void test(`tls ends by ${ending.name}, ${how}: ${ending.tells} (F65), ${kind}`, async () => {
        const before = countDescriptors();
        const provider = make();
        const { stream, cutter } = await shaken(provider);
        const log = new Log(stream);
        await told(log, 'first');
        log.told.length = 0;
        if (isPaused) stream.pause();
        ending.send(cutter.socket, await cutter.records(ending.last, ending.notifies));
        if (isPaused) {
          await roundTrip(provider);
          assert.deepEqual(log.told, []);
          stream.resume();
        }
        await log.over;
        log.check(ending);
        if (ending.tells === 'end') assert.equal(await written(stream, 'an answer'), null);
        await provider.close();
        cutter.socket.destroy();
        if (!cutter.socket.closed) await once(cutter.socket, 'close');
        assert.equal(countDescriptors(), before);
      });
    }
  }
}

/** What was sent on this machine before is in the other's buffers, and polled for. */
async function roundTrip(provider: SocketProvider): Promise<void> {
  const listener = await provider.listen({});
  const accepted = acceptOne(listener);
  const a = await provider.connect({ host: '127.0.0.1', port: portOf(listener) });
  const b = await accepted;
  const came = new Promise<void>((resolve) => {
    b.start({
      data: () => {
        resolve();
      },
      close: () => undefined,
    });
  });
  a.write(bytes('ping'));
  await came;
  await Promise.all([a.close(), b.close(), listener.close()]);
}
