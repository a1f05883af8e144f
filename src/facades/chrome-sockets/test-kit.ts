/** For this folder's tests: an app over a provider in which the test decides what every call comes to, and when. */
import type { SocketAddress } from '../../base/address.ts';
import type { SocketError } from '../../base/errors.ts';
import { ClosedError } from '../../base/errors.ts';
import type { OptionName, SocketOptions } from '../../base/options.ts';
import type {
  Capability,
  ConnectOptions,
  Datagram,
  Deadline,
  Listener,
  ListenerSink,
  ListenOptions,
  PacketListener,
  ReadOptions,
  SocketProvider,
  Stream,
  StreamSink,
  WriteDone,
} from '../../base/provider.ts';
import type { ChromeSocketsHost, ChromeSocketsOptions } from './create-chrome-sockets.ts';
import { createChromeSockets } from './create-chrome-sockets.ts';

/** A call that the test settles. */
export interface Pending<Options, Value> {
  readonly options: Options;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
}

function pend<Options, Value>(list: Pending<Options, Value>[], options: Options): Promise<Value> {
  return new Promise((resolve, reject) => {
    list.push({ options, resolve, reject });
  });
}

abstract class StubSocket {
  readonly id = 1;
  readonly transport = 'tcp';
  readonly bytesRead = 0;
  readonly bytesWritten = 0;
  isPaused = false;
  isClosed = false;
  isAborted = false;
  /** Set to make the option calls fail. */
  optionError: Error | undefined;
  readonly setCalls: (readonly [string, unknown])[] = [];

  get(): never {
    throw new Error('not asked for');
  }
  set<N extends OptionName>(name: N, value: SocketOptions[N]): void {
    if (this.optionError !== undefined) throw this.optionError;
    this.setCalls.push([name, value]);
  }
  ref(): void {
    return undefined;
  }
  unref(): void {
    return undefined;
  }
  pause(): void {
    if (this.isClosed) throw new ClosedError();
    this.isPaused = true;
  }
  resume(): void {
    if (this.isClosed) throw new ClosedError();
    this.isPaused = false;
  }
  abort(): void {
    this.isAborted = true;
    this.isClosed = true;
  }
}

/** A connection without a network: the test plays the peer. */
export class StubStream extends StubSocket implements Stream {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly bufferedAmount = 0;
  readonly tls = undefined;
  sink: StreamSink | undefined;
  readOptions: ReadOptions | undefined;
  closeDeadline: Deadline | undefined;
  readonly writes: Uint8Array[] = [];
  readonly dones: WriteDone[] = [];
  /** Set to make writes throw. */
  writeError: Error | undefined;
  /** Set to keep closes from settling until the test calls `closed`. */
  holdsClose = false;
  #closed: (() => void) | undefined;

  constructor(local = '127.0.0.1', remote = '127.0.0.1') {
    super();
    this.local = { family: local.includes(':') ? 'ipv6' : 'ipv4', host: local, port: 40_001 };
    this.remote = { family: remote.includes(':') ? 'ipv6' : 'ipv4', host: remote, port: 7 };
  }

  start(sink: StreamSink, options?: ReadOptions): void {
    if (this.isClosed) throw new ClosedError();
    this.sink = sink;
    this.readOptions = options;
  }
  write(bytes: Uint8Array, done?: WriteDone): boolean {
    if (this.writeError !== undefined) throw this.writeError;
    this.writes.push(bytes.slice());
    if (done !== undefined) this.dones.push(done);
    return true;
  }
  closeWrite(): void {
    throw new Error('not asked for');
  }
  upgrade(): Promise<Stream> {
    return Promise.reject(new Error('not asked for'));
  }
  close(deadline?: Deadline): Promise<void> {
    this.isClosed = true;
    this.closeDeadline = deadline;
    if (!this.holdsClose) return Promise.resolve();
    return new Promise((resolve) => {
      this.#closed = resolve;
    });
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Settles the close that was held. */
  closed(): void {
    this.sink?.close(null);
    this.#closed?.();
  }
  /** Answers the oldest write. */
  settle(error: SocketError | null = null): void {
    this.dones.shift()?.(error);
  }
  /** The peer sends. */
  receive(text: string): void {
    this.sink?.data(new TextBytes(text).bytes);
  }
}

/** ASCII text as bytes, with a buffer of exactly their number. */
export class TextBytes {
  readonly bytes: Uint8Array;
  constructor(text: string) {
    this.bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  }
}

export class StubListener extends StubSocket implements Listener {
  readonly local: SocketAddress = { family: 'ipv4', host: '127.0.0.1', port: 8080 };
  sink: ListenerSink | undefined;
  start(sink: ListenerSink): void {
    if (this.isClosed) throw new ClosedError();
    this.sink = sink;
  }
  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export class StubProvider implements SocketProvider {
  readonly capabilities: ReadonlySet<Capability> = new Set<Capability>(['tcp', 'keep-alive-timing']);
  readonly connects: Pending<ConnectOptions, Stream>[] = [];
  readonly listens: Pending<ListenOptions, Listener>[] = [];

  connect(options: ConnectOptions): Promise<Stream> {
    return pend(this.connects, options);
  }
  listen(options: ListenOptions): Promise<Listener> {
    return pend(this.listens, options);
  }
  listenPackets(): Promise<PacketListener> {
    return Promise.reject(new Error('not asked for'));
  }
  bind(): Promise<Datagram> {
    return Promise.reject(new Error('not asked for'));
  }
  resolve(): Promise<never> {
    return Promise.reject(new Error('not asked for'));
  }
  interfaces(): Promise<never> {
    return Promise.reject(new Error('not asked for'));
  }
  abort(): boolean {
    return false;
  }

  sockets(): Iterable<never> {
    return [];
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** One call of a callback of the app. */
export interface Answer {
  readonly args: readonly unknown[];
  /** What `chrome.runtime.lastError` said during the call. */
  readonly error: string | undefined;
}

/** A callback that writes down how it is called. */
export interface Recorder {
  (...args: unknown[]): void;
  readonly answers: Answer[];
}

/** An app whose tasks run when the test says so. */
export class StubApp {
  readonly provider: StubProvider = new StubProvider();
  readonly host: ChromeSocketsHost;
  readonly tcp: ChromeSocketsHost['api']['tcp'];
  readonly tcpServer: ChromeSocketsHost['api']['tcpServer'];
  readonly warnings: string[] = [];
  readonly reports: unknown[] = [];
  /** Everything that was recorded, in order. */
  readonly log: string[] = [];
  #tasks: (() => void)[] = [];

  constructor(options: Partial<ChromeSocketsOptions> = {}) {
    this.host = createChromeSockets({
      provider: this.provider,
      warn: (text) => this.warnings.push(text),
      report: (error) => this.reports.push(error),
      defer: (task) => this.#tasks.push(task),
      ...options,
    });
    ({ tcp: this.tcp, tcpServer: this.tcpServer } = this.host.api);
  }

  /** Runs all tasks and promise jobs, until there are none. */
  async flush(): Promise<void> {
    for (let idle = 0; idle < 20; idle++) {
      const tasks = this.#tasks;
      this.#tasks = [];
      for (const task of tasks) task();
      if (tasks.length > 0) idle = 0;
      await Promise.resolve();
    }
  }

  recorder(label = 'callback'): Recorder {
    const answers: Answer[] = [];
    const record = (...args: unknown[]): void => {
      answers.push({ args, error: this.host.runtime.lastError?.message });
      this.log.push(label);
    };
    return Object.assign(record, { answers });
  }

  /** Makes a call and waits for its one answer. */
  async answer(call: (callback: Recorder) => void): Promise<Answer> {
    const recorder = this.recorder();
    call(recorder);
    await this.flush();
    const [answer] = recorder.answers;
    if (answer === undefined || recorder.answers.length > 1) {
      throw new Error(`${String(recorder.answers.length)} answers where one must come`);
    }
    return answer;
  }

  async createTcp(properties: object = {}): Promise<number> {
    const { args } = await this.answer((callback) => {
      this.tcp.create(properties, callback);
    });
    return (args[0] as { socketId: number }).socketId;
  }

  /** A socket that is connected over `stream`. */
  async connected(stream: StubStream, properties: object = {}, id?: number): Promise<number> {
    const socketId = id ?? (await this.createTcp(properties));
    await this.answer((callback) => {
      this.tcp.connect(socketId, 'peer.example', 7, callback);
      this.provider.connects.at(-1)?.resolve(stream);
    });
    return socketId;
  }

  async createServer(properties: object = {}): Promise<number> {
    const { args } = await this.answer((callback) => {
      this.tcpServer.create(properties, callback);
    });
    return (args[0] as { socketId: number }).socketId;
  }

  /** A server that listens on `listener`. */
  async listening(listener: StubListener, id?: number): Promise<number> {
    const socketId = id ?? (await this.createServer());
    await this.answer((callback) => {
      this.tcpServer.listen(socketId, '127.0.0.1', 8080, callback);
      this.provider.listens.at(-1)?.resolve(listener);
    });
    return socketId;
  }

  async tcpInfo(socketId: number): Promise<Record<string, unknown>> {
    const { args } = await this.answer((callback) => {
      this.tcp.getInfo(socketId, callback);
    });
    return args[0] as Record<string, unknown>;
  }

  async serverInfo(socketId: number): Promise<Record<string, unknown>> {
    const { args } = await this.answer((callback) => {
      this.tcpServer.getInfo(socketId, callback);
    });
    return args[0] as Record<string, unknown>;
  }
}
