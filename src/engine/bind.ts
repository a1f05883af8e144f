/** Makes sockets of messages: UDP, Unix datagrams, sequenced packets. */
import type { ConstantName } from '../addon/constant-names.ts';
import type { IpAddress, SocketAddress } from '../base/address.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { ClosedError } from '../base/errors.ts';
import type { BindPlan, UdpBindPlan } from '../base/validate-datagram.ts';
import { NativeDatagram } from './datagram.ts';
import { setOptions } from './options.ts';
import type { Reactor } from './reactor.ts';
import { flatten } from './sockaddr.ts';
import { adoptFile, withoutRemains } from './unix-file.ts';

/** Milliseconds until a listener with a full backlog is tried again: the kernel does not tell when it has room. */
const BACKLOG_PAUSE = 5;

export interface BindOptions {
  readonly plan: BindPlan;
  /** The peer, if the socket is to have one; a name has been looked up. */
  readonly remote: SocketAddress | undefined;
}

/** The family that a UDP socket is of. */
function familyOf(plan: UdpBindPlan, remote: SocketAddress | undefined): 'ipv4' | 'ipv6' {
  if (plan.host !== undefined) return plan.host.family;
  if (remote !== undefined && remote.family !== 'unix') return remote.family;
  return plan.family ?? 'ipv4';
}

class BindAttempt {
  readonly #reactor: Reactor;
  readonly #plan: BindPlan;
  readonly #remote: SocketAddress | undefined;
  /** Where it is to be bound, if it is. */
  readonly #address: SocketAddress | undefined;
  readonly #family: SocketAddress['family'];
  #handle = -1;
  #cleanUp: (() => void) | undefined;

  constructor(reactor: Reactor, { plan, remote }: BindOptions) {
    this.#reactor = reactor;
    this.#plan = plan;
    this.#remote = remote;
    if (plan.transport === 'unix') {
      this.#family = 'unix';
      this.#address = plan.path === undefined ? undefined : { family: 'unix', path: plan.path };
    } else {
      const family = familyOf(plan, remote);
      const any: IpAddress = { family, host: family === 'ipv4' ? '0.0.0.0' : '::' };
      this.#family = family;
      this.#address = { ...(plan.host ?? any), port: plan.port };
    }
  }

  /** Binds, and leaves connecting to `connect`. @throws {SystemError} and leaves no descriptor and no file */
  bind(): this {
    try {
      this.#open();
      if (this.#address !== undefined) this.#bind(this.#address);
      return this;
    } catch (error) {
      this.undo();
      throw error;
    }
  }

  /** @returns the socket, or `undefined` if the peer's backlog is full @throws {SystemError} */
  connect(): NativeDatagram | undefined {
    try {
      if (this.#reactor.isClosed) throw new ClosedError(this.#details());
      if (this.#remote !== undefined && !this.#connect(this.#remote)) return undefined;
      return this.#finish();
    } catch (error) {
      this.undo();
      throw error;
    }
  }

  /** Leaves nothing behind. */
  undo(): void {
    if (this.#handle >= 0 && !this.#reactor.isClosed) this.#reactor.native.abort(this.#handle);
    this.#handle = -1;
    this.#cleanUp?.();
    this.#cleanUp = undefined;
  }

  #open(): void {
    const plan = this.#plan;
    const { module, native, names } = this.#reactor;
    const { AF_INET, AF_INET6, AF_UNIX, SOCK_DGRAM, SOCK_SEQPACKET } = module.constants;
    const family = { ipv4: AF_INET, ipv6: AF_INET6, unix: AF_UNIX }[this.#family];
    const isPackets = plan.transport === 'unix' && plan.type === 'seqpacket';
    this.#handle = this.#checked(native.socket(family, isPackets ? SOCK_SEQPACKET : SOCK_DGRAM, 0), 'socket');
    const details = (): ErrorDetails => this.#details();
    const { transport, options } = plan;
    setOptions(
      { module, native, names, handle: this.#handle, transport, family: this.#family, details },
      options,
    );
    if (plan.transport === 'udp') this.#prepareUdp(plan);
  }

  #prepareUdp({ reuseAddress, reusePort, ipv6Only }: UdpBindPlan): void {
    if (reuseAddress) this.#set('SOL_SOCKET', 'SO_REUSEADDR', 1);
    if (reusePort) this.#set('SOL_SOCKET', 'SO_REUSEPORT', 1);
    if (this.#family !== 'ipv6') {
      // Else a socket hears groups that only another socket of this machine has joined (ip(7)).
      this.#set('IPPROTO_IP', 'IP_MULTICAST_ALL', 0);
      return;
    }
    this.#set('IPPROTO_IPV6', 'IPV6_MULTICAST_ALL', 0);
    if (ipv6Only !== undefined) this.#set('IPPROTO_IPV6', 'IPV6_V6ONLY', ipv6Only ? 1 : 0);
  }

  #bind(address: SocketAddress): void {
    const { family, bytes, port, scope } = this.#flatten(address);
    this.#checked(this.#reactor.native.bind(this.#handle, family, bytes, port, scope), 'bind');
    const plan = this.#plan;
    if (plan.transport === 'udp' || plan.path === undefined) return;
    adoptFile({ path: plan.path, mode: plan.mode }, (cleanUp) => {
      this.#cleanUp = cleanUp;
    });
  }

  /** @returns false if the peer's backlog is full */
  #connect(remote: SocketAddress): boolean {
    const { native, module } = this.#reactor;
    const { family, bytes, port, scope } = this.#flatten(remote);
    const result = native.connect(this.#handle, family, bytes, port, scope);
    const isPackets = this.#plan.transport === 'unix' && this.#plan.type === 'seqpacket';
    if (isPackets && -result === module.errorNumbers.EAGAIN) return false;
    this.#checked(result, 'connect');
    return true;
  }

  #finish(): NativeDatagram {
    const plan = this.#plan;
    const wantsIcmp = plan.transport === 'udp' && plan.icmpErrors;
    this.#checked(this.#reactor.native.openMessages(this.#handle, wantsIcmp), 'setsockopt');
    const { highWaterMark, writeLimit } = plan;
    const socket = new NativeDatagram(this.#reactor, {
      handle: this.#handle,
      transport: plan.transport,
      type: plan.transport === 'unix' ? plan.type : 'datagram',
      remote: this.#remote,
      limits: { highWaterMark, writeLimit },
      cleanUp: this.#cleanUp,
    });
    socket.keepOptions(plan.options);
    return socket;
  }

  #set(level: ConstantName, name: ConstantName, value: number): void {
    const { constants } = this.#reactor.module;
    const result = this.#reactor.native.setOption(this.#handle, constants[level], constants[name], value);
    this.#checked(result, 'setsockopt');
  }

  #flatten(address: SocketAddress): ReturnType<typeof flatten> {
    return flatten(address, (name) => this.#reactor.interfaceIndex(name, this.#details()));
  }

  #checked(result: number, syscall: string): number {
    if (result >= 0) return result;
    throw this.#reactor.names.error(-result, syscall, this.#details());
  }

  #details(): ErrorDetails {
    return { op: 'bind', transport: this.#plan.transport, local: this.#address, remote: this.#remote };
  }
}

/**
 * Binds and connects.
 *
 * @param isOver whether the caller has given up
 * @throws {SystemError}
 */
export async function bind(
  reactor: Reactor,
  options: BindOptions,
  isOver: () => boolean,
): Promise<NativeDatagram> {
  const attempt = await withoutRemains(reactor, options.plan, () => new BindAttempt(reactor, options).bind());
  for (;;) {
    const socket = attempt.connect();
    if (socket !== undefined) return socket;
    await new Promise<void>((resolve) => reactor.clock.setTimer(BACKLOG_PAUSE, resolve));
    if (isOver()) attempt.undo();
    if (isOver()) throw new ClosedError({ op: 'bind', transport: options.plan.transport });
  }
}
