/** What a stream over `node:net` is, apart from its bytes: its number, its addresses, and its options. */
import type { Socket } from 'node:net';
import type { SocketAddress } from '../base/address.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { ClosedError } from '../base/errors.ts';
import type { OptionName, SocketOptions } from '../base/options.ts';
import type { JsonValue } from '../base/provider.ts';
import type { StreamSetting } from './owner.ts';
import type { OptionTable } from './remembered-options.ts';
import { RememberedOptions } from './remembered-options.ts';

export abstract class PortableEnd {
  readonly id: number;
  readonly transport: 'tcp' | 'unix';
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  tag?: JsonValue | undefined;
  protected readonly options: OptionTable;

  constructor(socket: Socket, { owner, transport, local, remote, heir, options }: StreamSetting) {
    this.id = heir?.id ?? owner.nextId();
    this.transport = transport;
    this.local = local;
    this.remote = remote;
    this.options = options ?? new RememberedOptions(socket, transport);
  }

  /** Whether its owner may still call it. */
  protected abstract get isOpen(): boolean;

  get<N extends OptionName>(name: N): SocketOptions[N] {
    this.requireOpen('get');
    return this.options.get(name);
  }

  set<N extends OptionName>(name: N, value: SocketOptions[N]): void {
    this.requireOpen('set');
    this.options.set(name, value);
  }

  /** Sets options that `requireSettable` has passed. */
  setAll(options: Partial<SocketOptions>): void {
    for (const [name, value] of Object.entries(options)) this.options.set(name as OptionName, value);
  }

  /** @throws {ClosedError} */
  protected requireOpen(op: string): void {
    if (!this.isOpen) throw new ClosedError(this.details(op));
  }

  protected details(op: string | undefined): ErrorDetails {
    const { transport, local, remote } = this;
    return { op, transport, local, remote };
  }
}
