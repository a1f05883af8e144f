/** What a stream and a listener of the engine have in common: a handle, options, and the word that it is closed. */
import type { SocketAddress } from '../base/address.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { ClosedError } from '../base/errors.ts';
import type { OptionName, SocketOptions } from '../base/options.ts';
import type { JsonValue } from '../base/provider.ts';
import { validateOptionName, validateSocketOption } from '../base/validate.ts';
import type { OptionSocket } from './options.ts';
import { getOption, setOption, setOptions } from './options.ts';
import type { Reactor } from './reactor.ts';

export abstract class NativeSocket {
  readonly id: number;
  tag?: JsonValue | undefined;
  protected readonly reactor: Reactor;
  protected readonly handle: number;

  /** @param id that of the socket that this one takes the place of */
  constructor(reactor: Reactor, handle: number, id: number = reactor.nextId()) {
    this.id = id;
    this.reactor = reactor;
    this.handle = handle;
  }

  abstract get local(): SocketAddress;
  abstract get transport(): 'tcp' | 'udp' | 'unix';
  /** Whether its owner may still call it. */
  protected abstract get isOpen(): boolean;
  /** What an error of `op` says of this socket. */
  protected abstract details(op: string): ErrorDetails;

  get<N extends OptionName>(name: N): SocketOptions[N] {
    validateOptionName(name);
    this.requireOpen('get');
    return getOption(this.#optionSocket('get'), name) as SocketOptions[N];
  }

  set<N extends OptionName>(name: N, value: SocketOptions[N]): void {
    const checked = validateSocketOption(name, value);
    this.requireOpen('set');
    setOption(this.#optionSocket('set'), name, checked);
  }

  /** Sets options that have been judged. @throws {UnsupportedError | SystemError} */
  prepare(options: Partial<SocketOptions>): void {
    setOptions(this.#optionSocket('set'), options);
  }

  ref(): void {
    this.requireOpen('ref');
    this.reactor.native.reference(this.handle, true);
  }

  unref(): void {
    this.requireOpen('unref');
    this.reactor.native.reference(this.handle, false);
  }

  /** The descriptor, lent; `undefined` if it is another reactor's. @throws {ClosedError} */
  descriptorIn(reactor: Reactor): number | undefined {
    if (reactor !== this.reactor) return undefined;
    this.requireOpen('descriptor');
    return this.reactor.native.descriptor(this.handle);
  }

  /** @throws {ClosedError} */
  protected requireOpen(op: string): void {
    if (!this.isOpen) throw new ClosedError(this.details(op));
  }

  #optionSocket(op: string): OptionSocket {
    const { module, native, names } = this.reactor;
    const { transport, handle } = this;
    const { family } = this.local;
    return { module, native, names, handle, transport, family, details: () => this.details(op) };
  }
}
