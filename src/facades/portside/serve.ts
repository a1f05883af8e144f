/** Running a handler for each connection, no more than so many at once, to an orderly end. */
import { onAbort } from '../../base/abort.ts';
import type { SocketAddress } from '../../base/address.ts';
import type { Deadline } from '../../base/provider.ts';
import type { Rules } from '../../base/rules.ts';
import {
  integer,
  optional,
  readWith,
  requireFunction,
  requireKnown,
  requireObject,
  withDefault,
} from '../../base/rules.ts';
import { MAX_INT32 } from '../../base/deadline-rules.ts';
import { validateDeadline } from '../../base/validate.ts';
import { Complaints } from './complaints.ts';
import type { Platform } from './platform.ts';
import type { ServeOptions } from './types.ts';
import type { WebStreams } from './web-streams.ts';

const DEFAULT_CLOSE_TIMEOUT = 10_000;

/** What a handler is given, as far as serving goes. */
export interface Servable {
  readonly remote: SocketAddress | undefined;
  close(deadline?: Deadline): Promise<void>;
  abort(): void;
}

/** Where the sockets come from. */
export interface ServeSource<S> {
  /** The next one, or `undefined` when there will be no more. */
  next(): Promise<S | undefined>;
  close(): Promise<void>;
  /** Settles when the server has ended, in whatever way. */
  readonly ended: Promise<void>;
}

interface ServePlan {
  readonly maxConnections: number | undefined;
  readonly grace: number | undefined;
  readonly closeTimeout: number;
  readonly onError: ServeOptions['onError'];
}

const SERVE: Rules<ServePlan> = {
  maxConnections: optional(integer(1, MAX_INT32)),
  grace: optional(integer(0, MAX_INT32)),
  closeTimeout: withDefault(integer(0, MAX_INT32), DEFAULT_CLOSE_TIMEOUT),
  onError: optional((value, name) => {
    requireFunction(value, name);
    return value as NonNullable<ServeOptions['onError']>;
  }),
};

class Serving<S extends Servable> {
  readonly #source: ServeSource<S>;
  readonly #handler: (socket: S) => unknown;
  readonly #plan: ServePlan;
  readonly #complaints: Complaints<unknown, Servable>;
  /** The handlers that run, by their sockets. */
  readonly #running = new Map<S, Promise<void>>();
  /** Called when a handler has ended. */
  #slotFreed: () => void = () => undefined;

  constructor(
    source: ServeSource<S>,
    handler: (socket: S) => unknown,
    plan: ServePlan,
    platform: Platform<WebStreams>,
  ) {
    this.#source = source;
    this.#handler = handler;
    this.#plan = plan;
    this.#complaints = new Complaints(platform, 'a connection handler failed', plan.onError);
  }

  async run(): Promise<void> {
    try {
      for (;;) {
        await this.#slot();
        const socket = await this.#source.next();
        if (socket === undefined) return;
        this.#start(socket);
      }
    } finally {
      await Promise.all(this.#running.values());
    }
  }

  abortAll(): void {
    for (const socket of this.#running.keys()) socket.abort();
  }

  /** Waits until one more handler may run. */
  async #slot(): Promise<void> {
    while (this.#running.size >= (this.#plan.maxConnections ?? Infinity)) {
      await new Promise<void>((resolve) => {
        this.#slotFreed = resolve;
      });
    }
  }

  #start(socket: S): void {
    const handled = this.#handle(socket).finally(() => {
      this.#running.delete(socket);
      this.#slotFreed();
    });
    this.#running.set(socket, handled);
  }

  async #handle(socket: S): Promise<void> {
    try {
      await this.#handler(socket);
    } catch (error) {
      socket.abort();
      this.#complaints.tell(error, socket);
      return;
    }
    try {
      await socket.close({ timeout: this.#plan.closeTimeout });
    } catch (error) {
      this.#complaints.tell(error, socket);
    }
  }
}

/** Serves until the source ends. @throws what `source.next` throws */
export async function serve<S extends Servable>(
  source: ServeSource<S>,
  handler: (socket: S) => unknown,
  options: ServeOptions | undefined,
  platform: Platform<WebStreams>,
): Promise<void> {
  requireFunction(handler, 'handler');
  const given = requireObject(options ?? {}, 'options');
  requireKnown(given, { ...SERVE, signal: true });
  const { signal } = validateDeadline({ signal: Reflect.get(given, 'signal') as Deadline['signal'] });
  const plan = readWith(given, SERVE);
  const serving = new Serving(source, handler, plan, platform);
  let cancelGrace: (() => void) | undefined;
  void source.ended.then(() => {
    if (plan.grace === undefined || isOver) return;
    cancelGrace = platform.clock.setTimer(plan.grace, () => {
      serving.abortAll();
    });
  });
  let isOver = false;
  const off = onAbort(signal, () => void source.close());
  try {
    await serving.run();
  } finally {
    isOver = true;
    cancelGrace?.();
    off();
  }
}
