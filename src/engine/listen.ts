/** Makes listeners: TCP and Unix, with the file that a Unix path is. */
import type { ConstantName } from '../addon/constant-names.ts';
import type { SocketAddress } from '../base/address.ts';
import type { ErrorDetails } from '../base/errors.ts';
import type { SocketOptions } from '../base/options.ts';
import type { ListenPlan, StreamLimits, TcpListenPlan, UnixListenPlan } from '../base/validate.ts';
import { NativeDatagram } from './datagram.ts';
import type { Acceptable } from './listener.ts';
import { NativeListener } from './listener.ts';
import { setOptions } from './options.ts';
import type { Reactor } from './reactor.ts';
import { flatten, readAddress } from './sockaddr.ts';
import type { StreamOrigin } from './stream-state.ts';
import { NativeStream } from './stream.ts';
import { adoptFile, withoutRemains } from './unix-file.ts';

/** Makes what a listener at an address hands out. */
type Maker<S extends Acceptable> = (local: SocketAddress) => (handle: number) => S;

class ListenAttempt<S extends Acceptable> {
  readonly #reactor: Reactor;
  readonly #plan: ListenPlan;
  readonly #type: 'SOCK_SEQPACKET' | 'SOCK_STREAM';
  readonly #maker: Maker<S>;
  readonly #address: SocketAddress;
  #handle = -1;
  /** What accepted streams do not inherit. */
  #options: Partial<SocketOptions> = {};
  /** Removes the file that binding has made. */
  #cleanUp: (() => void) | undefined;

  constructor(reactor: Reactor, plan: ListenPlan, type: 'SOCK_SEQPACKET' | 'SOCK_STREAM', make: Maker<S>) {
    this.#type = type;
    this.#maker = make;
    this.#reactor = reactor;
    this.#plan = plan;
    this.#address =
      plan.transport === 'unix' ? { family: 'unix', path: plan.path } : { ...plan.host, port: plan.port };
  }

  /** @throws {SystemError} and leaves no descriptor and no file */
  run(): NativeListener<S> {
    try {
      return this.#make();
    } catch (error) {
      if (this.#handle >= 0) this.#reactor.native.abort(this.#handle);
      this.#cleanUp?.();
      throw error;
    }
  }

  #make(): NativeListener<S> {
    const plan = this.#plan;
    const { native } = this.#reactor;
    const { constants } = this.#reactor.module;
    const { AF_INET, AF_INET6, AF_UNIX } = constants;
    const family = { ipv4: AF_INET, ipv6: AF_INET6, unix: AF_UNIX }[this.#address.family];
    this.#handle = this.#checked(native.socket(family, constants[this.#type], 0), 'socket');
    this.#setOptions(plan.options);
    if (plan.transport === 'tcp') this.#prepareTcp(plan);
    else this.#options = plan.options;
    this.#bind();
    if (plan.transport === 'unix') {
      adoptFile(plan, (cleanUp) => {
        this.#cleanUp = cleanUp;
      });
    }
    this.#checked(native.listen(this.#handle, plan.backlog), 'listen');
    const local = readAddress(native, 'localAddress', this.#handle) ?? this.#address;
    return new NativeListener(this.#reactor, {
      handle: this.#handle,
      local,
      make: this.#maker(local),
      options: this.#options,
      cleanUp: this.#cleanUp,
    });
  }

  /**
   * TCP connections inherit the options of their listener (tcp(7); a Unix connection's end is made anew by the one who
   * connects). So they are set once, and buffer sizes in time for the window scale of the handshake. On a Unix listener
   * this tells which options Unix sockets have not.
   */
  #setOptions(options: Partial<SocketOptions>): void {
    const { module, native, names } = this.#reactor;
    const { transport } = this.#plan;
    const { family } = this.#address;
    const details = (): ErrorDetails => this.#details();
    setOptions({ module, native, names, handle: this.#handle, transport, family, details }, options);
  }

  #prepareTcp({ reusePort, ipv6Only }: TcpListenPlan): void {
    // Without it a port stays taken for a minute after its connections have closed (TIME_WAIT). On Linux it does not
    // let two listeners have one port (socket(7)).
    this.#set('SOL_SOCKET', 'SO_REUSEADDR', 1);
    if (reusePort) this.#set('SOL_SOCKET', 'SO_REUSEPORT', 1);
    if (ipv6Only !== undefined && this.#address.family === 'ipv6') {
      this.#set('IPPROTO_IPV6', 'IPV6_V6ONLY', ipv6Only ? 1 : 0);
    }
  }

  #set(level: ConstantName, name: ConstantName, value: number): void {
    const { constants } = this.#reactor.module;
    const result = this.#reactor.native.setOption(this.#handle, constants[level], constants[name], value);
    this.#checked(result, 'setsockopt');
  }

  #bind(): void {
    const { family, bytes, port, scope } = flatten(this.#address, (name) =>
      this.#reactor.interfaceIndex(name, this.#details()),
    );
    this.#checked(this.#reactor.native.bind(this.#handle, family, bytes, port, scope), 'bind');
  }

  #checked(result: number, syscall: string): number {
    if (result >= 0) return result;
    throw this.#reactor.names.error(-result, syscall, this.#details());
  }

  #details(): ErrorDetails {
    return { op: 'listen', transport: this.#plan.transport, local: this.#address };
  }
}

function isWildcard(address: SocketAddress): boolean {
  return address.family !== 'unix' && (address.host === '0.0.0.0' || address.host === '::');
}

/** How a listener at `local` makes streams of what it accepts. */
export function streamMaker(
  reactor: Reactor,
  limits: StreamLimits,
  local: SocketAddress,
): (handle: number) => NativeStream {
  const origin: StreamOrigin = {
    isUnix: local.family === 'unix',
    limits,
    // What came in at one address is there; at a wildcard each connection has its own.
    local: isWildcard(local) ? undefined : local,
  };
  return (handle) => new NativeStream(reactor, handle, origin);
}

/** How a listener for sequenced packets makes sockets of what it accepts. */
export function packetsMaker(reactor: Reactor, limits: StreamLimits): (handle: number) => NativeDatagram {
  return (handle) => makePackets(reactor, limits, handle);
}

function makePackets(reactor: Reactor, limits: StreamLimits, handle: number): NativeDatagram {
  const details: ErrorDetails = { op: 'accept', transport: 'unix' };
  const result = reactor.native.openMessages(handle, false);
  if (result < 0) throw reactor.names.error(-result, 'setsockopt', details);
  const nowhere: SocketAddress = { family: 'unix', path: '' };
  const remote = readAddress(reactor.native, 'remoteAddress', handle) ?? nowhere;
  return new NativeDatagram(reactor, { handle, transport: 'unix', type: 'seqpacket', remote, limits });
}

const limitsOf = ({ highWaterMark, writeLimit }: StreamLimits): StreamLimits => ({
  highWaterMark,
  writeLimit,
});

/** Binds and listens. @throws {SystemError} */
export function listen(reactor: Reactor, plan: ListenPlan): Promise<NativeListener<NativeStream>> {
  return withoutRemains(reactor, plan, () =>
    new ListenAttempt(reactor, plan, 'SOCK_STREAM', (local) =>
      streamMaker(reactor, limitsOf(plan), local),
    ).run(),
  );
}

/** The same for sequenced packets. @throws {SystemError} */
export function listenPackets(
  reactor: Reactor,
  plan: UnixListenPlan,
): Promise<NativeListener<NativeDatagram>> {
  const limits = limitsOf(plan);
  return withoutRemains(reactor, plan, () =>
    new ListenAttempt(reactor, plan, 'SOCK_SEQPACKET', () => packetsMaker(reactor, limits)).run(),
  );
}
