/** For scenarios of `chrome.sockets`: an app over a real provider, and the peers that it talks to. */
import assert from 'node:assert/strict';
import type { SocketProvider, Stream } from '../base/provider.ts';
import type { Chrome, ChromeEvent, ChromeHost, ChromeOptions } from '../doors/chrome.ts';
import { createChromeHost } from '../doors/chrome.ts';

const ANYTHING = { sockets: { tcp: { connect: '' }, tcpServer: { listen: '' } } };

/** What a callback was given, and what lastError said meanwhile. */
export interface Answer {
  readonly args: readonly unknown[];
  readonly error: string | undefined;
}

/** What an event has told, to be waited for. */
export class Inbox<Info> {
  readonly infos: Info[] = [];
  #wake: (() => void) | undefined;

  constructor(event: ChromeEvent<Info>) {
    event.addListener((info) => {
      this.infos.push(info);
      this.#wake?.();
    });
  }

  /** Waits until `isEnough` holds of all that was told. */
  async until(isEnough: (infos: readonly Info[]) => boolean): Promise<readonly Info[]> {
    while (!isEnough(this.infos)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.infos;
  }

  async first(): Promise<Info> {
    const [info] = await this.until((infos) => infos.length > 0);
    assert.ok(info !== undefined);
    return info;
  }
}

/** The other end, without the facade. */
export class Peer {
  readonly stream: Stream;
  readonly chunks: Uint8Array[] = [];
  readonly log: string[] = [];
  #wake: (() => void) | undefined;

  constructor(stream: Stream) {
    this.stream = stream;
    stream.start({
      data: (chunk) => {
        this.chunks.push(chunk);
        this.#note('data');
      },
      end: () => {
        this.#note('end');
      },
      close: (error) => {
        this.#note(error === null ? 'close' : error.code);
      },
    });
  }

  #note(what: string): void {
    this.log.push(what);
    this.#wake?.();
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  async until(isEnough: () => boolean): Promise<void> {
    while (!isEnough()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  write(text: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.stream.write(Buffer.from(text), (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }
}

/** One app and what it heard. */
export class TestApp {
  readonly provider: SocketProvider;
  readonly host: ChromeHost;
  readonly chrome: Chrome;
  readonly warnings: string[] = [];
  readonly reports: unknown[] = [];
  readonly received: Inbox<{ socketId: number; data: ArrayBuffer }>;
  readonly receiveErrors: Inbox<{ socketId: number; resultCode: number }>;
  readonly accepted: Inbox<{ socketId: number; clientSocketId: number }>;

  constructor(provider: SocketProvider, options: Partial<ChromeOptions> = {}) {
    this.provider = provider;
    this.host = createChromeHost({
      manifest: ANYTHING,
      provider,
      warn: (text) => this.warnings.push(text),
      report: (error) => this.reports.push(error),
      ...options,
    } as ChromeOptions);
    this.chrome = this.host.chrome;
    const { tcp, tcpServer } = this.chrome.sockets;
    this.received = new Inbox(tcp.onReceive);
    this.receiveErrors = new Inbox(tcp.onReceiveError);
    this.accepted = new Inbox(tcpServer.onAccept);
  }

  /** Calls, and gives the callback's arguments and what lastError said. */
  answer(call: (callback: (...args: unknown[]) => void) => void): Promise<Answer> {
    return new Promise((resolve) => {
      call((...args) => {
        resolve({ args, error: this.chrome.runtime.lastError?.message });
      });
    });
  }

  async createTcp(properties = {}): Promise<number> {
    const { args } = await this.answer((callback) => {
      this.chrome.sockets.tcp.create(properties, callback);
    });
    return (args[0] as { socketId: number }).socketId;
  }

  connect(socketId: number, port: number, host = '127.0.0.1'): Promise<Answer> {
    return this.answer((callback) => {
      this.chrome.sockets.tcp.connect(socketId, host, port, callback);
    });
  }

  send(socketId: number, text: string | Uint8Array): Promise<Answer> {
    return this.answer((callback) => {
      this.chrome.sockets.tcp.send(socketId, Uint8Array.from(Buffer.from(text)), callback);
    });
  }

  async info(socketId: number): Promise<Record<string, unknown>> {
    const { args } = await this.answer((callback) => {
      this.chrome.sockets.tcp.getInfo(socketId, callback);
    });
    return args[0] as Record<string, unknown>;
  }

  async serverPort(socketId: number): Promise<number> {
    const { args } = await this.answer((callback) => {
      this.chrome.sockets.tcpServer.getInfo(socketId, callback);
    });
    return (args[0] as { localPort: number }).localPort;
  }

  async listen(host = '127.0.0.1', port = 0): Promise<{ id: number; port: number }> {
    const { args } = await this.answer((callback) => {
      this.chrome.sockets.tcpServer.create({}, callback);
    });
    const id = (args[0] as { socketId: number }).socketId;
    const answer = await this.answer((callback) => {
      this.chrome.sockets.tcpServer.listen(id, host, port, callback);
    });
    assert.deepEqual(answer, { args: [0], error: undefined });
    return { id, port: await this.serverPort(id) };
  }

  /** Somebody connects without the facade; the socket that it makes stays paused. */
  async visited(): Promise<{ peer: Peer; id: number }> {
    const { port } = await this.listen();
    const peer = new Peer(await this.provider.connect({ host: '127.0.0.1', port }));
    const { clientSocketId } = await this.accepted.first();
    return { peer, id: clientSocketId };
  }

  /** The text that a socket has received. */
  textOf(socketId: number): string {
    const mine = this.received.infos.filter((info) => info.socketId === socketId);
    return Buffer.concat(mine.map(({ data }) => new Uint8Array(data))).toString();
  }

  bytesOf(socketId: number): number {
    const mine = this.received.infos.filter((info) => info.socketId === socketId);
    return mine.reduce((sum, { data }) => sum + data.byteLength, 0);
  }
}

/** Lets everything happen that was going to: a connection is made, used and ended on the same provider meanwhile. */
export async function quiet(provider: SocketProvider): Promise<void> {
  const listener = await provider.listen({ port: 0 });
  const { local } = listener;
  assert.ok(local.family !== 'unix');
  const came = new Promise<Stream>((resolve) => {
    listener.start({ accept: resolve, close: () => undefined });
  });
  const a = new Peer(await provider.connect({ host: '127.0.0.1', port: local.port }));
  const b = new Peer(await came);
  for (let i = 1; i <= 3; i++) {
    await a.write('x');
    await b.until(() => b.text.length === i);
    await b.write('y');
    await a.until(() => a.text.length === i);
  }
  await Promise.all([a.stream.close(), b.stream.close(), listener.close()]);
}
