/** Sockets that are there already: inherited from another process, received from one, or another library's. */
import { closeSync } from 'node:fs';

import type { SocketAddress } from '../base/address.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { SystemError } from '../base/errors.ts';
import type { SocketOptions } from '../base/options.ts';
import type { Datagram, Listener, PacketListener, Stream, WriteLimits } from '../base/provider.ts';
import type { Rules } from '../base/rules.ts';
import { flag, integer, oneOf, optional, readOptions, requireObject } from '../base/rules.ts';
import type { StreamLimits } from '../base/validate.ts';
import { MAX_INT32 } from '../base/deadline-rules.ts';
import { COMMON } from '../base/validate.ts';
import type { ConstantName } from '../addon/constant-names.ts';
import { NativeDatagram } from './datagram.ts';
import { packetsMaker, streamMaker } from './listen.ts';
import { NativeListener } from './listener.ts';
import { requireOptions, setOptions } from './options.ts';
import type { Reactor } from './reactor.ts';
import { readAddress } from './sockaddr.ts';
import { NativeStream } from './stream.ts';

/** Whose a descriptor is that is handed in. */
export type Ownership = 'borrow' | 'take';

export interface AdoptOptions extends WriteLimits {
  /**
   * `take`: it is the provider's from now on, and nobody else may close it. `borrow`: the provider works on a duplicate, and
   * the descriptor stays its owner's to close; closing and `abort` end nothing for the owner then. The connection is the same
   * for both: what one reads, the other does not.
   */
  readonly ownership: Ownership;
  /** Options set on the socket; of a listener, on every one that it accepts. */
  readonly options?: Partial<SocketOptions> | undefined;
  /**
   * As of `bind`; of a UDP socket alone. Default: as the socket has it. With `false` reports that wait are thrown away.
   */
  readonly icmpErrors?: boolean | undefined;
}

/** What a descriptor turned out to be. */
export type Adopted =
  | { readonly kind: 'stream'; readonly stream: Stream }
  | { readonly kind: 'listener'; readonly listener: Listener }
  | { readonly kind: 'datagram'; readonly datagram: Datagram }
  | { readonly kind: 'packet-listener'; readonly listener: PacketListener };

interface AdoptPlan extends StreamLimits {
  readonly ownership: Ownership;
  readonly options: Partial<SocketOptions>;
  readonly icmpErrors: boolean | undefined;
}

const PLAN: Rules<AdoptPlan> = {
  highWaterMark: COMMON.highWaterMark,
  writeLimit: COMMON.writeLimit,
  options: COMMON.options,
  ownership: oneOf('borrow', 'take'),
  icmpErrors: optional(flag),
};

const descriptor = integer(0, MAX_INT32);

/** What is wrong with a descriptor, in the words of whoever handed it in. */
const REASONS: Readonly<Record<string, string>> = {
  EAFNOSUPPORT: 'is a socket of a family that the engine does not know',
  EBADF: 'is not open',
  EEXIST: "is this provider's already",
  ENOTCONN: 'is a socket that is neither connected nor listening',
  ENOTSOCK: 'is not a socket',
  EPROTONOSUPPORT: 'is a socket of a protocol that the engine does not know',
  ESOCKTNOSUPPORT: 'is a socket of a type that the engine does not know',
};

/** @throws {SystemError} and the descriptor is its owner's still @throws {UnsupportedError} an option that it has not */
export function adopt(reactor: Reactor, given: unknown, options: unknown): Adopted {
  const fd = descriptor(given, 'fd');
  const plan = readOptions(requireObject(options, 'options'), PLAN, 'options.');
  const handle = reactor.native.adopt(fd, plan.ownership === 'borrow');
  if (handle < 0) throw refusal(reactor, -handle, fd);
  try {
    return new Adoption(reactor, handle, plan).make();
  } catch (error) {
    const left = reactor.native.detach(handle);
    reactor.disown(handle);
    if (plan.ownership === 'borrow') closeSync(left);
    throw error;
  }
}

class Adoption {
  readonly #reactor: Reactor;
  readonly #handle: number;
  readonly #plan: AdoptPlan;
  readonly #local: SocketAddress;

  constructor(reactor: Reactor, handle: number, plan: AdoptPlan) {
    this.#reactor = reactor;
    this.#handle = handle;
    this.#plan = plan;
    this.#local = readAddress(reactor.native, 'localAddress', handle) ?? { family: 'unix', path: '' };
  }

  /** What throws here leaves a socket that can be detached. */
  make(): Adopted {
    const { SOCK_STREAM, SOCK_SEQPACKET } = this.#reactor.module.constants;
    const type = this.#option('SOL_SOCKET', 'SO_TYPE');
    const isStream = type === SOCK_STREAM;
    if (this.#option('SOL_SOCKET', 'SO_ACCEPTCONN') > 0) return this.#listener(isStream);
    if (!isStream)
      return {
        kind: 'datagram',
        datagram: this.#datagram(type === SOCK_SEQPACKET ? 'seqpacket' : 'datagram'),
      };
    const stream = new NativeStream(this.#reactor, this.#handle, {
      isUnix: this.#local.family === 'unix',
      limits: this.#limits,
      local: this.#local,
    });
    stream.prepare(this.#plan.options);
    return { kind: 'stream', stream };
  }

  get #limits(): StreamLimits {
    const { highWaterMark, writeLimit } = this.#plan;
    return { highWaterMark, writeLimit };
  }

  #listener(isStream: boolean): Adopted {
    const reactor = this.#reactor;
    const { options } = this.#plan;
    const transport = this.#local.family === 'unix' ? 'unix' : 'tcp';
    requireOptions({ transport, details: () => this.#details(transport) }, options);
    const origin = { handle: this.#handle, local: this.#local, options };
    if (isStream) {
      const make = streamMaker(reactor, this.#limits, this.#local);
      return { kind: 'listener', listener: new NativeListener(reactor, { ...origin, make }) };
    }
    const make = packetsMaker(reactor, this.#limits);
    return { kind: 'packet-listener', listener: new NativeListener(reactor, { ...origin, make }) };
  }

  #datagram(type: 'datagram' | 'seqpacket'): NativeDatagram {
    const reactor = this.#reactor;
    const { module, native, names } = reactor;
    const { options, icmpErrors } = this.#plan;
    const handle = this.#handle;
    const { family } = this.#local;
    const transport = family === 'unix' ? 'unix' : 'udp';
    const details = (): ErrorDetails => this.#details(transport);
    setOptions({ module, native, names, handle, transport, family, details }, options);
    const wantsIcmp = transport === 'udp' && (icmpErrors ?? this.#hearsReports());
    const result = native.openMessages(handle, wantsIcmp);
    if (result < 0) throw names.error(-result, 'setsockopt', details());
    const remote = readAddress(native, 'remoteAddress', handle);
    const limits = this.#limits;
    const socket = new NativeDatagram(reactor, { handle, transport, type, remote, limits, isForeign: true });
    socket.keepOptions(options);
    return socket;
  }

  #hearsReports(): boolean {
    const isIpv6 = this.#local.family === 'ipv6';
    return (
      this.#option('IPPROTO_IP', 'IP_RECVERR') > 0 ||
      (isIpv6 && this.#option('IPPROTO_IPV6', 'IPV6_RECVERR') > 0)
    );
  }

  #option(level: ConstantName, name: ConstantName): number {
    const { native, module, names } = this.#reactor;
    const value = native.getOption(this.#handle, module.constants[level], module.constants[name]);
    if (value < 0) throw names.error(-value, 'getsockopt', { op: 'adopt' });
    return value;
  }

  #details(transport: 'tcp' | 'udp' | 'unix'): ErrorDetails {
    return { op: 'adopt', transport, local: this.#local };
  }
}

function refusal(reactor: Reactor, errno: number, fd: number): SystemError {
  const details: ErrorDetails = { op: 'adopt' };
  const error = reactor.names.error(errno, 'getsockopt', details);
  const reason = REASONS[error.code];
  if (reason === undefined) return error;
  const { code, syscall } = error;
  return new SystemError(code, {
    ...details,
    errno,
    ...(syscall && { syscall }),
    reason: `descriptor ${String(fd)} ${reason}`,
  });
}
