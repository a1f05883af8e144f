import type { SocketAddress } from './address.ts';
import type { OptionName, SocketOptions } from './options.ts';
import type { JsonValue, SocketBase } from './provider.ts';

/** What a socket that stands before another has of that one: its number, addresses, counters, options and tag. */
export abstract class SocketCover<S extends SocketBase> {
  protected readonly inner: S;

  constructor(inner: S) {
    this.inner = inner;
  }

  get id(): number {
    return this.inner.id;
  }

  get transport(): S['transport'] {
    return this.inner.transport;
  }

  get local(): SocketAddress {
    return this.inner.local;
  }

  get bytesRead(): number {
    return this.inner.bytesRead;
  }

  get bytesWritten(): number {
    return this.inner.bytesWritten;
  }

  get tag(): JsonValue | undefined {
    return this.inner.tag;
  }

  set tag(tag: JsonValue | undefined) {
    if (tag === undefined) delete this.inner.tag;
    else this.inner.tag = tag;
  }

  get<N extends OptionName>(name: N): SocketOptions[N] {
    return this.inner.get(name);
  }

  set<N extends OptionName>(name: N, value: SocketOptions[N]): void {
    this.inner.set(name, value);
  }

  ref(): void {
    this.inner.ref();
  }

  unref(): void {
    this.inner.unref();
  }
}
