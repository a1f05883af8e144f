/** The part of a stream that knows who is connected to whom. */
import type { SocketAddress } from '../base/address.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { BrokenError } from '../base/errors.ts';
import { NativeSocket } from './native-socket.ts';
import type { Reactor } from './reactor.ts';
import type { KeptAddress } from './sockaddr.ts';
import { askAddress, keepIpv4, unkeep } from './sockaddr.ts';

/** For what the kernel no longer tells. */
const NOWHERE = {
  tcp: { family: 'ipv4', host: '0.0.0.0', port: 0 },
  unix: { family: 'unix', path: '' },
} as const;

/** Addresses that are known already. */
export interface KnownEnds {
  readonly local?: SocketAddress | undefined;
  readonly remote?: SocketAddress | undefined;
  /** The number of the stream that this one takes the place of. */
  readonly id?: number | undefined;
}

export abstract class ConnectedSocket extends NativeSocket {
  #local: KeptAddress | undefined;
  #remote: KeptAddress | undefined;

  constructor(reactor: Reactor, handle: number, ends: KnownEnds) {
    super(reactor, handle, ends.id);
    this.#local = ends.local;
    this.#remote = ends.remote;
  }

  abstract override get transport(): 'tcp' | 'unix';

  /** Whether there still is a descriptor to ask. */
  protected abstract get hasHandle(): boolean;

  override get local(): SocketAddress {
    if (typeof this.#local !== 'object') this.#local = unkeep(this.#local ?? this.#ask('localAddress'));
    return this.#local;
  }

  get remote(): SocketAddress {
    if (typeof this.#remote !== 'object') this.#remote = unkeep(this.#remote ?? this.#ask('remoteAddress'));
    return this.#remote;
  }

  /** The native side has told the peer's IPv4 address. */
  protected meetPeer(bits: number, port: number): void {
    this.#remote = keepIpv4(bits, port);
  }

  /** Addresses stay readable after the end, so they are asked for while there is somebody to ask. */
  protected rememberAddresses(): void {
    this.#local ??= this.#ask('localAddress');
    this.#remote ??= this.#ask('remoteAddress');
  }

  protected override details(op: string): ErrorDetails {
    return { op, transport: this.transport, local: this.local, remote: this.remote };
  }

  protected broken(errno: number, op: 'read' | 'write'): BrokenError {
    const details = this.details(op);
    const cause = this.reactor.names.error(errno, op === 'read' ? 'recv' : 'send', details);
    return new BrokenError({ ...details, cause });
  }

  #ask(which: 'localAddress' | 'remoteAddress'): KeptAddress {
    const nowhere = NOWHERE[this.transport];
    return this.hasHandle ? (askAddress(this.reactor.native, which, this.handle) ?? nowhere) : nowhere;
  }
}
