/** For this folder's tests: an extension that may do everything, over each kind of provider. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { Capability, SocketProvider } from '../../base/provider.ts';
import type {
  Browser,
  BrowserHost,
  BrowserOptions,
  ClientOptions,
  ClientSocket,
  ServerOptions,
  ServerSocket,
  TcpNamespace,
  UdpNamespace,
} from '../../doors/tcpsocket.ts';
import { createBrowserHost } from '../../doors/tcpsocket.ts';
import { localProvider } from '../../engine/local-provider.ts';
import { nodeTls } from '../../portable/tls-handshake.ts';
import { portableProvider } from '../../portable/portable-provider.ts';
import { memoryProvider } from '../../testing/memory-provider.ts';
import { leakCheck } from '../../testing/node/leak-check.ts';

export const ALL_PERMISSIONS: readonly string[] = [
  'tcp-connect:*:*',
  'tcp-listen:*',
  'udp-bind:*',
  'udp-send-to:*:*',
  'udp-multicast-membership:*',
];

const CLOG_SIZE = 60_000;

/** What carries the sockets of a case. */
export const PROVIDERS: Readonly<Record<string, () => SocketProvider>> = {
  memory: () => memoryProvider({ tls: nodeTls }),
  portable: () => portableProvider(),
  local: () => localProvider(),
};

export class World {
  readonly kind: string;
  readonly provider: SocketProvider;
  readonly host: BrowserHost;
  readonly reported: unknown[] = [];

  constructor(kind: string, provider: SocketProvider, options: Partial<BrowserOptions> = {}) {
    this.kind = kind;
    this.provider = provider;
    const manifest = { name: 'a test', permissions: ALL_PERMISSIONS };
    const report = (error: unknown): void => {
      this.reported.push(error);
    };
    this.host = createBrowserHost({ manifest, provider, report, ...options } as BrowserOptions);
  }

  get browser(): Browser {
    return this.host.browser;
  }

  get tcp(): TcpNamespace {
    const { TCPSocket } = this.browser;
    assert.ok(TCPSocket?.connect !== undefined && TCPSocket.listen !== undefined);
    return TCPSocket as TcpNamespace;
  }

  get udp(): UdpNamespace {
    const { UDPSocket } = this.browser;
    assert.ok(UDPSocket !== undefined);
    return UDPSocket;
  }

  /** A server and both ends of a connection to it, which is open. */
  async pair(
    server: ServerOptions = {},
    client: Partial<ClientOptions> = {},
  ): Promise<{ server: ServerSocket; client: ClientSocket; peer: ClientSocket }> {
    const listening = await this.tcp.listen(server);
    const to = { host: '127.0.0.1', port: listening.localPort, ...client };
    const [own, peer] = await Promise.all([this.tcp.connect(to), nextOf(listening)]);
    await own.opened;
    return { server: listening, client: own, peer };
  }
}

/** The next connection, which must come. */
export async function nextOf(server: ServerSocket): Promise<ClientSocket> {
  const { done, value } = await server.connections.next();
  assert.ok(done !== true, 'a connection comes');
  return value;
}

export interface EachOptions {
  readonly needs?: readonly Capability[];
  readonly options?: Partial<BrowserOptions>;
  readonly skip?: string | false;
}

/** The end of the extension closes all; a failed handshake may still be telling its peer why. Else the test runs out of time. */
async function nothingOpen(provider: SocketProvider): Promise<void> {
  while ([...provider.sockets()].some(({ state }) => state === 'open'))
    await new Promise((resolve) => setImmediate(resolve));
}

/**
 * Declares one test for each kind of provider. At its end the extension is ended: then nothing is open in the provider, nor
 * in the process, and no listener has thrown.
 */
export function each(
  name: string,
  body: (world: World, t: TestContext) => Promise<void>,
  { needs = [], options, skip = false }: EachOptions = {},
): void {
  for (const [kind, make] of Object.entries(PROVIDERS)) {
    void test(`${name}, ${kind}`, { skip }, async (t) => {
      const leaks = leakCheck();
      const provider = make();
      const missing = needs.filter((need) => !provider.capabilities.has(need));
      const world = new World(kind, provider, options);
      try {
        if (missing.length > 0) t.skip(`the provider lacks ${missing.join(', ')}`);
        else await body(world, t);
        await world.host.close();
        await nothingOpen(provider);
        assert.deepEqual(world.reported, []);
      } finally {
        await provider.close();
      }
      // Peers in other processes give back theirs when the test is over.
      t.after(async () => {
        await leaks.settled();
      });
    });
  }
}

export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

export function text(buffer: ArrayBuffer): string {
  assert.equal(Object.prototype.toString.call(buffer), '[object ArrayBuffer]');
  return new TextDecoder().decode(buffer);
}

/** Reads until so many bytes have come. */
export async function readBytes(socket: ClientSocket, count: number): Promise<Uint8Array> {
  const all = new Uint8Array(count);
  for (let filled = 0; filled < count;) {
    const chunk = new Uint8Array(await socket.read());
    assert.ok(chunk.length > 0, `the stream goes on behind ${String(filled)} of ${String(count)} bytes`);
    all.set(chunk, filled);
    filled += chunk.length;
  }
  return all;
}

/** Reads until the empty buffer that is the end. */
export async function readAll(socket: ClientSocket): Promise<string> {
  let all = '';
  for (;;) {
    const chunk = await socket.read();
    if (chunk.byteLength === 0) return all;
    all += text(chunk);
  }
}

/** Reads on until something else has come true. */
export async function readUntil(socket: ClientSocket, done: Promise<unknown>): Promise<void> {
  let isDone = false;
  const told = done.then(() => {
    isDone = true;
  });
  for (const isOver = (): boolean => isDone; !isOver();) await Promise.race([socket.read(), told]);
}

/** Bytes that a socket has got from the network, by its own port, read or not. */
export function received({ provider }: World, port: number | undefined, remotePort?: number): number {
  for (const { kind, local, remote, bytesRead } of provider.sockets()) {
    if (kind === 'listener' || !('port' in local) || local.port !== port) continue;
    if (remotePort === undefined || (remote !== undefined && 'port' in remote && remote.port === remotePort))
      return bytesRead;
  }
  return 0;
}

/** Waits until a connection has got so many bytes, which nobody reads: there is no event for that. */
export async function untilReceived(world: World, socket: ClientSocket, count: number): Promise<void> {
  while (received(world, socket.localPort, socket.remotePort) < count) await nextTask();
}

/** Runs when all microtasks have, and what the loop had to do. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What the promise has come to by now. */
export async function stateOf(promise: Promise<unknown>): Promise<'fulfilled' | 'pending' | 'rejected'> {
  const pending = Symbol('pending');
  try {
    return (await Promise.race([promise, Promise.resolve(pending)])) === pending ? 'pending' : 'fulfilled';
  } catch {
    return 'rejected';
  }
}

/** Writes to a socket whose peer does not read, until something stays unsent. */
export async function clog(socket: ClientSocket): Promise<void> {
  for (let idle = 0; idle < 5; idle = socket.bufferedAmount === 0 ? 0 : idle + 1) {
    if (socket.bufferedAmount === 0) void socket.write(new Uint8Array(CLOG_SIZE));
    await nextTask();
  }
}
