import type { SocketAddress } from '../../base/address.ts';
import type { SocketError } from '../../base/errors.ts';
import { isSocketError } from '../../base/errors.ts';
import type { OptionName, SocketOptions } from '../../base/options.ts';
import type { Datagram, Deadline, JsonValue, Listener } from '../../base/provider.ts';
import { setBelow } from './below.ts';
import { Complaints } from './complaints.ts';
import type { Home } from './connection.ts';
import { Mailbox } from './mailbox.ts';
import type { Servable } from './serve.ts';
import { serve } from './serve.ts';
import type { Server, ServeOptions } from './types.ts';
import type { WebStreams } from './web-streams.ts';

/** What a server is made with. */
export interface ServerPlan {
  /** Most sockets that wait here, while nobody asks for them. */
  readonly acceptAhead: number;
  readonly onError: ((error: SocketError) => void) | undefined;
}

/** Accepts sockets of type `R`, and hands them out as `S`. */
export class SocketServer<R, S extends Servable, Web extends WebStreams> implements Server<S> {
  readonly #home: Home<Web>;
  readonly #listener: Listener<R>;
  readonly #plan: ServerPlan;
  readonly #wrap: (socket: R) => S;
  readonly #complaints: Complaints<SocketError>;
  readonly #accepted: Mailbox<S>;
  readonly #ended: Promise<void>;
  #tellEnded: () => void = () => undefined;
  /** Somebody has asked for a connection, once at least. */
  #isAsked = false;
  #isHolding = true;
  #isEnded = false;

  constructor(home: Home<Web>, listener: Listener<R>, plan: ServerPlan, wrap: (socket: R) => S) {
    this.#home = home;
    this.#listener = listener;
    this.#plan = plan;
    this.#wrap = wrap;
    this.#complaints = new Complaints(home.platform, 'accepting failed', plan.onError);
    this.#ended = new Promise((resolve) => {
      this.#tellEnded = resolve;
    });
    this.#accepted = new Mailbox<S>({
      clock: home.platform.clock,
      details: () => ({ op: 'accept', transport: this.transport, local: this.local }),
      changed: () => {
        this.#regulate();
      },
    });
    setBelow(this, listener as Listener | Listener<Datagram>);
    this.#start();
  }

  get id(): number {
    return this.#listener.id;
  }
  get transport(): 'tcp' | 'unix' {
    return this.#listener.transport === 'unix' ? 'unix' : 'tcp';
  }
  get local(): SocketAddress {
    return this.#listener.local;
  }
  get bytesRead(): number {
    return 0;
  }
  get bytesWritten(): number {
    return 0;
  }
  get tag(): JsonValue | undefined {
    return this.#listener.tag;
  }
  set tag(value: JsonValue | undefined) {
    this.#listener.tag = value;
  }

  get<N extends OptionName>(name: N): SocketOptions[N] {
    return this.#listener.get(name);
  }
  set<N extends OptionName>(name: N, value: SocketOptions[N]): void {
    this.#listener.set(name, value);
  }
  ref(): void {
    this.#listener.ref();
  }
  unref(): void {
    this.#listener.unref();
  }

  async accept(deadline?: Deadline): Promise<S> {
    this.#isAsked = true;
    return this.#accepted.take(deadline);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<S, undefined, undefined> {
    this.#isAsked = true;
    return this.#accepted[Symbol.asyncIterator]();
  }

  async serve(handler: (socket: S) => unknown, options?: ServeOptions): Promise<void> {
    const source = { next: () => this.#accepted.next(), close: () => this.close(), ended: this.#ended };
    this.#isAsked = true;
    return serve<S>(source, handler, options, this.#home.platform);
  }

  close(): Promise<void> {
    const closing = this.#listener.close();
    this.#end(null);
    return closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** It listens from the beginning, so that its end is told, and accepts nothing yet. */
  #start(): void {
    this.#listener.pause();
    this.#listener.start({
      accept: (socket) => {
        this.#accept(socket);
      },
      error: (error) => {
        this.#complaints.tell(error);
      },
      close: (error) => {
        this.#end(error);
      },
    });
  }

  #accept(socket: R): void {
    try {
      this.#accepted.put(this.#wrap(socket));
    } catch (error) {
      if (!isSocketError(error)) throw error;
      this.#complaints.tell(error);
    }
  }

  /** Connections are taken from the kernel while somebody waits for one, and a few ahead of that. */
  #regulate(): void {
    const isFull = this.#accepted.waiting === 0 && this.#accepted.size >= this.#plan.acceptAhead;
    const mustHold = isFull || !this.#isAsked;
    if (mustHold === this.#isHolding || this.#isEnded) return;
    this.#isHolding = mustHold;
    try {
      if (mustHold) this.#listener.pause();
      else this.#listener.resume();
    } catch (error) {
      // The provider has closed it, and is about to say so.
      if (!isSocketError(error)) throw error;
    }
  }

  /** What nobody has asked for is reset, as what is still in the backlog. */
  #end(error: SocketError | null): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const socket of this.#accepted.empty()) socket.abort();
    this.#accepted.end(error);
    this.#home.registry.closed('listener', this, error);
    this.#tellEnded();
  }
}
