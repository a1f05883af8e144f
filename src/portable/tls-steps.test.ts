/** Handshakes that are given up at each of their steps: nothing stays open, and each end hears why (F65). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import test from 'node:test';
import type { Clock } from '../base/clock.ts';
import type { SocketProvider, Stream } from '../base/provider.ts';
import { localProvider } from '../engine/local-provider.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { ManualSignal } from '../testing/manual-signal.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { acceptOne } from '../testing/pair-maker.ts';
import { authority, good, portOf } from './test-kit.ts';
import { portableProvider } from './portable-provider.ts';

const PROVIDERS: Readonly<Record<string, (clock: Clock) => SocketProvider>> = {
  local: (clock) => localProvider({ clock }),
  portable: (clock) => portableProvider({ clock }),
};

/** Passes on what two ends say, chunk by chunk, until `stop`, and then nothing more. */
class Relay {
  readonly port: number;
  readonly reached: Promise<void>;
  readonly #server: ReturnType<typeof createServer>;
  readonly #sockets: Socket[] = [];
  #passed = 0;
  readonly #stop: number;
  #reach: () => void = () => undefined;

  constructor(server: ReturnType<typeof createServer>, target: number, stop: number) {
    this.#server = server;
    this.#stop = stop;
    this.port = (server.address() as AddressInfo).port;
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
    server.on('connection', (near) => {
      const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
      this.#pass(near, far);
      this.#pass(far, near);
    });
  }

  static async to(target: number, stop: number): Promise<Relay> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Relay(server, target, stop);
  }

  /** Ends what the peer of `who` sees as this connection. */
  end(who: 'client' | 'server', how: 'end' | 'resetAndDestroy'): void {
    const socket = this.#sockets[who === 'client' ? 0 : 1];
    assert.ok(socket !== undefined);
    socket[how]();
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) {
      socket.destroy();
      if (!socket.closed) await once(socket, 'close');
    }
    if (this.#server.listening) await once(this.#server, 'close');
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.push(from);
    from.on('error', () => undefined);
    from.on('data', (chunk) => {
      if (this.#passed >= this.#stop) this.#reach();
      else to.write(chunk);
      this.#passed += 1;
    });
  }
}

type Who = 'client' | 'server';

interface Case {
  readonly provider: SocketProvider;
  readonly clock: ManualClock;
  readonly signal: ManualSignal;
  readonly relay: Relay;
  readonly who: Who;
}

interface Action {
  readonly name: string;
  readonly act: (scene: Case) => unknown;
  readonly rejects: object;
}

const ACTIONS: readonly Action[] = [
  {
    name: 'a signal',
    act: ({ signal }) => {
      signal.abort(new Error('enough'));
    },
    rejects: { message: 'enough' },
  },
  {
    name: 'its deadline',
    act: ({ clock }) => {
      clock.advance(5000);
    },
    rejects: { name: 'SystemError', code: 'ETIMEDOUT' },
  },
  {
    name: 'the end of its provider',
    act: ({ provider }) => provider.close(),
    rejects: { name: 'ClosedError' },
  },
  {
    name: "the peer's end",
    act: ({ relay, who }) => {
      relay.end(who, 'end');
    },
    rejects: { name: 'TlsError', failure: 'closed' },
  },
  {
    name: "the peer's reset",
    act: ({ relay, who }) => {
      relay.end(who, 'resetAndDestroy');
    },
    rejects: { name: 'TlsError', failure: 'reset' },
  },
];

/** What is on its way, and will not arrive. A client of TLS 1.3 is done before its last flight has arrived. */
const STEPS: readonly { readonly name: string; readonly passes: number; readonly waiting: readonly Who[] }[] =
  [
    { name: 'the first hello', passes: 0, waiting: ['client', 'server'] },
    { name: "the server's flight", passes: 1, waiting: ['client', 'server'] },
    { name: "the client's last flight", passes: 2, waiting: ['server'] },
  ];

async function giveUp(
  provider: SocketProvider,
  clock: ManualClock,
  passes: number,
  who: Who,
  action: Action,
): Promise<void> {
  const plain = await provider.listen({});
  const accepted = acceptOne(plain);
  const relay = await Relay.to(portOf(plain), passes);
  const a = await provider.connect({ host: '127.0.0.1', port: relay.port });
  const b = await accepted;
  const signal = new ManualSignal();
  const mine = { signal, timeout: 5000 };
  const client = a.upgrade({ ca: authority, servername: 'localhost', ...(who === 'client' ? mine : {}) });
  const server = b.upgrade({ role: 'server', ...good, ...(who === 'server' ? mine : {}) });
  const [one, other] = who === 'client' ? [client, server] : [server, client];
  const left: Promise<Stream | null> = other.catch(() => null);
  const rejected = assert.rejects(one, action.rejects);
  await relay.reached;
  await action.act({ provider, clock, signal, relay, who });
  await rejected;
  assert.equal(signal.listenerCount, 0);
  await relay.close();
  await provider.close();
  await left;
}

for (const [kind, make] of Object.entries(PROVIDERS)) {
  for (const { name, passes, waiting } of STEPS) {
    for (const who of waiting) {
      for (const action of ACTIONS) {
        void test(`tls handshake of a ${who}, ended by ${action.name} before ${name} (F65), ${kind}`, async () => {
          const before = countDescriptors();
          const clock = new ManualClock();
          await giveUp(make(clock), clock, passes, who, action);
          assert.equal(countDescriptors(), before);
        });
      }
    }
  }
}
