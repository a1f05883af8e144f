/** One attempt to connect to one address. */
import { EVENT } from '../addon/types.ts';
import type { IpAddress, SocketAddress } from '../base/address.ts';
import { formatAddress } from '../base/address.ts';
import type { ErrorDetails, SocketError } from '../base/errors.ts';
import { ClosedError } from '../base/errors.ts';
import type { Attempt } from '../base/happy-eyeballs.ts';
import type { SocketOptions } from '../base/options.ts';
import type { StreamLimits } from '../base/validate.ts';
import { setOptions } from './options.ts';
import type { Reactor, Target } from './reactor.ts';
import { flatten, readAddress } from './sockaddr.ts';
import { NativeStream } from './stream.ts';

/** Milliseconds until a Unix listener with a full backlog is tried again: the kernel does not tell when it has room. */
const BACKLOG_PAUSE = 5;

export interface DialOptions {
  readonly limits: StreamLimits;
  readonly options: Partial<SocketOptions>;
  /** What is connected to, where that has a name. */
  readonly host?: string | undefined;
  readonly localAddress?: IpAddress | undefined;
  readonly localPort?: number | undefined;
  /** On a Unix listener whose backlog is full, fail with `EAGAIN` rather than wait for room. */
  readonly failsWhenBusy?: boolean | undefined;
}

class Dialer implements Target, Attempt<NativeStream> {
  readonly result: Promise<NativeStream>;
  readonly #reactor: Reactor;
  readonly #remote: SocketAddress;
  readonly #options: DialOptions;
  #handle = -1;
  #resolve: (stream: NativeStream) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #cancelRetry: (() => void) | undefined;
  #isOver = false;

  constructor(reactor: Reactor, remote: SocketAddress, options: DialOptions) {
    this.#reactor = reactor;
    this.#remote = remote;
    this.#options = options;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  run(): this {
    try {
      if (this.#reactor.isClosed) throw new ClosedError(this.#details());
      this.#open();
      this.#prepare();
      this.#connect();
    } catch (error) {
      this.#fail(error);
    }
    return this;
  }

  cancel(): void {
    this.#fail(new ClosedError(this.#details()));
  }

  abort(): void {
    this.cancel();
  }

  attend(): void {
    // Nothing is asked for.
  }

  onFlushed(): void {
    // Nothing is written before the connection is made.
  }

  snapshot(): null {
    return null;
  }

  onEvent(kind: number, errno: number): void {
    if (kind !== EVENT.connected || this.#isOver) return;
    if (errno !== 0) this.#fail(this.#system(errno, 'connect'));
    else this.#succeed();
  }

  #open(): void {
    const { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM } = this.#reactor.module.constants;
    const family = { ipv4: AF_INET, ipv6: AF_INET6, unix: AF_UNIX }[this.#remote.family];
    this.#handle = this.#checked(this.#reactor.native.socket(family, SOCK_STREAM, 0), 'socket');
    this.#reactor.own(this.#handle, this);
  }

  #prepare(): void {
    const { module, native, names } = this.#reactor;
    const { family: kind } = this.#remote;
    const transport = kind === 'unix' ? 'unix' : 'tcp';
    const handle = this.#handle;
    setOptions(
      { module, native, names, handle, transport, family: kind, details: () => this.#details() },
      this.#options.options,
    );
    const { localAddress, localPort = 0 } = this.#options;
    if (this.#remote.family === 'unix' || (localAddress === undefined && localPort === 0)) return;
    const any: IpAddress = {
      family: this.#remote.family,
      host: this.#remote.family === 'ipv4' ? '0.0.0.0' : '::',
    };
    const { family, bytes, port, scope } = this.#flatten({ ...(localAddress ?? any), port: localPort });
    this.#checked(native.bind(this.#handle, family, bytes, port, scope), 'bind');
  }

  #connect(): void {
    const { EAGAIN, EINPROGRESS } = this.#reactor.module.errorNumbers;
    const { family, bytes, port, scope } = this.#flatten(this.#remote);
    const result = this.#reactor.native.connect(this.#handle, family, bytes, port, scope);
    if (result === 0) this.#succeed();
    else if (-result === EAGAIN && this.#options.failsWhenBusy !== true) this.#retry();
    else if (-result !== EINPROGRESS) throw this.#system(-result, 'connect');
  }

  #retry(): void {
    this.#cancelRetry = this.#reactor.clock.setTimer(BACKLOG_PAUSE, () => {
      try {
        this.#connect();
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  #succeed(): void {
    const { native } = this.#reactor;
    const local = readAddress(native, 'localAddress', this.#handle);
    // A port of the ephemeral range on which nobody listens can be chosen for the connecting end itself, and TCP's
    // simultaneous open then connects the socket to itself (RFC 9293, 3.5). Nobody is there.
    const isSelf =
      this.#remote.family !== 'unix' &&
      local !== undefined &&
      formatAddress(local) === formatAddress(this.#remote);
    if (isSelf && this.#options.localPort === 0) {
      this.#fail(this.#system(this.#reactor.module.errorNumbers['ECONNREFUSED'], 'connect'));
      return;
    }
    this.#isOver = true;
    const isUnix = this.#remote.family === 'unix';
    const { limits, host } = this.#options;
    this.#resolve(
      new NativeStream(this.#reactor, this.#handle, { isUnix, limits, local, remote: this.#remote, host }),
    );
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelRetry?.();
    if (this.#handle >= 0) {
      this.#reactor.native.abort(this.#handle);
      this.#reactor.disown(this.#handle);
    }
    this.#reject(error);
  }

  #flatten(address: SocketAddress): ReturnType<typeof flatten> {
    return flatten(address, (name) => this.#reactor.interfaceIndex(name, this.#details()));
  }

  #checked(result: number, syscall: string): number {
    if (result < 0) throw this.#system(-result, syscall);
    return result;
  }

  #system(errno: number, syscall: string): SocketError {
    return this.#reactor.names.error(errno, syscall, this.#details());
  }

  #details(): ErrorDetails {
    return {
      op: 'connect',
      transport: this.#remote.family === 'unix' ? 'unix' : 'tcp',
      remote: this.#remote,
    };
  }
}

/** Starts to connect. What is made in vain is closed: after `cancel`, and whenever `result` rejects, nothing is left. */
export function dial(reactor: Reactor, remote: SocketAddress, options: DialOptions): Attempt<NativeStream> {
  return new Dialer(reactor, remote, options).run();
}
