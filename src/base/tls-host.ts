/** What a provider has to do with TLS, whatever the provider is made of. */
import type { Clock } from './clock.ts';
import { countDown } from './deadline.ts';
import { ConnectError, SystemError } from './errors.ts';
import type { DeadlinePlan } from './deadline-rules.ts';
import type { Listener, Stream } from './provider.ts';
import type { UpgradeOptions } from './tls.ts';
import { TlsListener } from './tls-listener.ts';
import type { TlsContext, TlsStream, TlsUpgrader } from './tls-upgrader.ts';
import type { ConnectPlan, ListenPlan, StreamLimits } from './validate.ts';
import { validateUpgrade } from './validate-tls.ts';

/** Why a stream cannot be given away just now. */
export const BUSY = {
  reading: 'the stream is reading: pause it first',
  writing: 'bytes are unsent: wait until they are written',
} as const;

/** A stream that nobody knows of any more but the TLS above it. */
export interface RawStream extends Stream {
  readonly limits: StreamLimits;
  /** From now on the provider shows and aborts `stream` in the place of this one. */
  cover(stream: TlsStream): void;
}

/** A provider's own stream, which can be given away. */
export interface Upgradable extends Stream {
  /**
   * Makes another stream of the connection, with the same id, options and tag, and with what has come and was not
   * delivered. This one tells `close(null)`, and is closed to its owner.
   *
   * @throws {BusyError | ClosedError | BrokenError} and then nothing has happened
   */
  giveAway(): RawStream;
}

interface Handshake extends DeadlinePlan {
  readonly context: TlsContext;
  readonly head?: Uint8Array | undefined;
}

function isTimeout(error: unknown): error is SystemError {
  return error instanceof SystemError && error.code === 'ETIMEDOUT';
}

/** The TLS of one provider. */
export class TlsHost {
  readonly #upgrader: TlsUpgrader;
  readonly #clock: Clock;
  readonly #living = new Set<TlsStream>();

  constructor(upgrader: TlsUpgrader, clock: Clock) {
    this.#upgrader = upgrader;
    this.#clock = clock;
  }

  /** `Stream.upgrade`. @param host what was connected to, where that is known */
  async upgrade(stream: Upgradable, options: UpgradeOptions, host: string | undefined): Promise<Stream> {
    const { head, signal, tls, ...plan } = validateUpgrade(options, host);
    const context = this.#upgrader.prepare(tls);
    if (signal?.aborted === true) throw signal.reason;
    const timeout =
      tls.role === 'client' ? plan.timeout : Math.min(plan.timeout ?? Infinity, tls.handshakeTimeout);
    return this.shakeHands(stream, { context, head, signal, timeout });
  }

  /** `connect`, with TLS where the plan has it. The time of the handshake counts against the plan's. */
  async connect(plan: ConnectPlan, connect: () => Promise<Upgradable>): Promise<Stream> {
    if (plan.tls === undefined) return connect();
    const context = this.#upgrader.prepare(plan.tls);
    const timeLeft = countDown(plan.timeout, this.#clock);
    const stream = await connect();
    const { signal } = plan;
    const { transport, remote } = stream;
    try {
      return await this.shakeHands(stream, { context, signal, timeout: timeLeft() });
    } catch (error) {
      throw isTimeout(error) ? new ConnectError([error], { transport, remote }) : error;
    }
  }

  /** `listen`, with TLS where the plan has it. */
  async listen(plan: ListenPlan, listen: () => Promise<Listener>): Promise<Listener> {
    if (plan.tls === undefined) return listen();
    const context = this.#upgrader.prepare(plan.tls);
    const { handshakeTimeout, maxHandshakes } = plan.tls;
    return new TlsListener(await listen(), {
      maxHandshakes,
      handshakeTimeout,
      upgrade: (stream, signal) =>
        this.shakeHands(stream as Upgradable, { context, signal, timeout: handshakeTimeout }),
    });
  }

  /** @throws what `giveAway` and `TlsUpgrader.handshake` throw */
  async shakeHands(stream: Upgradable, { context, head, signal, timeout }: Handshake): Promise<TlsStream> {
    const raw = stream.giveAway();
    const { limits } = raw;
    const attempt = { raw, context, head, limits, clock: this.#clock, signal, timeout };
    return this.#upgrader.handshake(attempt, (made) => {
      made.tag = raw.tag;
      raw.cover(made);
      this.#living.add(made);
      void made.settled.then(() => this.#living.delete(made));
    });
  }

  /** Aborts every stream that speaks TLS, also those that are over and not told yet. Fulfils when they have told their last. */
  async close(): Promise<void> {
    const living = [...this.#living];
    for (const stream of living) stream.abort();
    await Promise.all(living.map((stream) => stream.settled));
  }
}
