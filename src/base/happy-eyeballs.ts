/**
 * Connecting to a name that has several addresses: true parallel racing, as RFC 8305 describes it.
 *
 * The trouble that this cures: a host has an IPv6 and an IPv4 address, and one of the two leads nowhere. A program that
 * tries them one after the other waits until the kernel gives the first up, which takes Linux more than two minutes
 * (tcp(7), tcp_syn_retries). Here a second attempt joins the first after a quarter of a second, and both stay in the
 * race: whichever answers first is the connection.
 *
 * What was rejected: to cancel an attempt when its quarter of a second is over, and go on to the next, as `node:net`
 * does (nodejs/node#54359). On a link where each handshake takes 300 ms that fails for every address, although all of
 * them work. Section 5 of the RFC says it plainly: the next attempt does not affect the ones before.
 *
 * Nothing here knows sockets or timers. `dial` makes an attempt and `clock` tells time, so the tests play whole
 * scenarios (black holes, late answers, two winners) with neither.
 */
import type { AbortSignalLike } from './abort.ts';
import { onAbort } from './abort.ts';
import type { IpAddress, SocketAddress } from './address.ts';
import type { Clock } from './clock.ts';
import type { ErrorDetails, SocketError } from './errors.ts';
import { ConnectError, isSocketError, SystemError } from './errors.ts';

/** Milliseconds between the starts of two attempts: RFC 8305, section 8, "Connection Attempt Delay". */
export const DEFAULT_ATTEMPT_DELAY = 250;

/** RFC 8305, section 5, forbids to start an attempt within 10 ms of the one before while that one is still unanswered. */
export const MIN_ATTEMPT_DELAY = 10;

/**
 * The most attempts under way at once. The RFC sets no limit, but an answer of the DNS may hold a thousand addresses,
 * and whoever controls a name must not control how many descriptors a program that connects to it holds. When the
 * limit is reached, the next attempt waits until one fails. To cancel the oldest instead was rejected: that is the
 * guillotine described above. With the default delay the oldest has had 16 x 250 ms = 4 s by then, which is more than
 * any handshake needs that is going to succeed after at most one lost SYN (RFC 6298: the first retransmission is at 1 s).
 */
export const MAX_ATTEMPTS_AT_ONCE = 16;

/**
 * The most addresses that one connect tries, the rest is left alone. Otherwise a name with a thousand addresses, each of
 * which refuses at once, would turn every program that connects to it into a port scanner. The two families alternate
 * before the cut, so that both are tried.
 */
export const MAX_ADDRESSES_TRIED = 64;

/** One try to connect to one address. */
export interface Attempt<T> {
  /** Rejects with a `SocketError`; any other error is taken for a defect and ends the whole race. */
  readonly result: Promise<T>;
  /** Gives up, and gives back what the attempt holds. Whether `result` then rejects, or stays pending, is the same. */
  cancel(): void;
}

/** What `raceConnect` needs. `A` may be any address: one Unix path runs in this race like one IP address. */
export interface RaceOptions<T, A extends SocketAddress = SocketAddress> {
  /** In order of trying: see `orderAddresses`. */
  readonly addresses: readonly A[];
  dial(address: A): Attempt<T>;
  /** Closes a value that came too late. */
  discard(value: T): void;
  readonly clock: Clock;
  /** Milliseconds between the starts of two attempts. Default 250; less than 10 counts as 10. */
  readonly attemptDelay?: number | undefined;
  readonly signal?: AbortSignalLike | undefined;
  /** Milliseconds for the whole race. */
  readonly timeout?: number | undefined;
  /** What the caller asked for, such as `example.com:80`: for the message of `ConnectError`. */
  readonly target: string;
  /** For the errors that are made here. */
  readonly details: ErrorDetails;
}

/**
 * Puts addresses in the order in which they should be tried: alternating between the families, beginning with the
 * family of the first, and within a family in the order given.
 *
 * The resolver has sorted the addresses by RFC 6724, and its first choice stays the first: to prefer IPv6 here once more
 * would overrule the administrator's gai.conf(5). With alternation a whole broken family costs one delay, not one for
 * each of its addresses. RFC 8305, section 4, allows a head start of several addresses ("First Address Family Count");
 * its default is one, and so is ours.
 *
 * @see RFC 8305, section 4
 */
export function orderAddresses<A extends IpAddress>(addresses: readonly A[]): A[] {
  const first = addresses.filter((address) => address.family === addresses[0]?.family);
  const second = addresses.filter((address) => address.family !== addresses[0]?.family);
  const ordered: A[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    ordered.push(...first.slice(i, i + 1), ...second.slice(i, i + 1));
  }
  return ordered;
}

interface Try<T, A> {
  readonly address: A;
  readonly attempt: Attempt<T>;
  error?: SocketError;
}

/** One race. Every path out of it goes through `#finish`, once. */
class Race<T, A extends SocketAddress> {
  readonly #options: RaceOptions<T, A>;
  readonly #addresses: readonly A[];
  readonly #resolve: (value: T) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #tries: Try<T, A>[] = [];
  #underWay = 0;
  #isFinished = false;
  /** The delay is over, but `MAX_ATTEMPTS_AT_ONCE` are under way: the next failure makes room. */
  #isHeld = false;
  #cancelDelay: (() => void) | undefined;
  #cancelTimeout: (() => void) | undefined;
  #offAbort: (() => void) | undefined;

  constructor(options: RaceOptions<T, A>, resolve: (value: T) => void, reject: (reason: unknown) => void) {
    this.#options = options;
    this.#addresses = options.addresses.slice(0, MAX_ADDRESSES_TRIED);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  run(): void {
    const { signal, timeout, clock } = this.#options;
    this.#offAbort = onAbort(signal, () => {
      this.#finish();
      this.#reject(signal?.reason);
    });
    if (this.#isFinished) return;
    if (timeout !== undefined)
      this.#cancelTimeout = clock.setTimer(timeout, () => {
        this.#fail();
      });
    this.#advance();
  }

  /** Starts the next attempt, and the delay after which another will join it. */
  #advance(): void {
    this.#cancelDelay?.();
    this.#cancelDelay = undefined;
    const address = this.#addresses[this.#tries.length];
    if (address === undefined) {
      if (this.#underWay === 0) this.#fail();
      return;
    }
    this.#isHeld = this.#underWay >= MAX_ATTEMPTS_AT_ONCE;
    if (this.#isHeld) return;
    this.#dial(address);
    // `dial` is foreign code: it may have aborted the signal. And the last attempt needs no successor, so no timer.
    if (this.#isFinished || this.#tries.length === this.#addresses.length) return;
    const delay = Math.max(MIN_ATTEMPT_DELAY, this.#options.attemptDelay ?? DEFAULT_ATTEMPT_DELAY);
    this.#cancelDelay = this.#options.clock.setTimer(delay, () => {
      this.#advance();
    });
  }

  #dial(address: A): void {
    const entry: Try<T, A> = { address, attempt: this.#begin(address) };
    this.#tries.push(entry);
    this.#underWay++;
    entry.attempt.result.then(
      (value) => {
        this.#succeeded(entry, value);
      },
      (error: unknown) => {
        this.#failed(entry, error);
      },
    );
    if (this.#isFinished) entry.attempt.cancel();
  }

  /** A `dial` that throws has failed, no more: the other addresses may still do. */
  #begin(address: A): Attempt<T> {
    try {
      return this.#options.dial(address);
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what was thrown is judged in #failed
      return { result: Promise.reject(error), cancel: () => undefined };
    }
  }

  /** Two attempts may succeed in the same turn of the event loop, and a cancelled one may have been past recall. */
  #succeeded(winner: Try<T, A>, value: T): void {
    if (this.#isFinished) {
      this.#options.discard(value);
      return;
    }
    this.#finish(winner);
    this.#resolve(value);
  }

  /**
   * When the newest attempt fails, the next starts at once: the delay is there to give an attempt time to answer, and
   * it has answered. The failure of an older one says nothing about the newest, whose delay runs on.
   */
  #failed(entry: Try<T, A>, error: unknown): void {
    if (this.#isFinished) return;
    this.#underWay--;
    if (!isSocketError(error)) {
      this.#finish(entry);
      this.#reject(error);
      return;
    }
    entry.error = error;
    if (entry === this.#tries.at(-1) || this.#isHeld || this.#underWay === 0) this.#advance();
  }

  /** Nothing is left to try, or the time ran out: attempts without an error of their own are then late. */
  #fail(): void {
    const { details, target, addresses } = this.#options;
    const untried = addresses.length - this.#tries.length;
    this.#finish();
    const errors = this.#tries.map(
      ({ address, error }) =>
        error ?? new SystemError('ETIMEDOUT', { op: 'connect', ...details, remote: address }),
    );
    const more = untried === 0 ? '' : ` (${String(untried)} more addresses not tried)`;
    this.#reject(new ConnectError(errors, { ...details, target: `${target}${more}` }));
  }

  /** Ends everything that still runs, except the attempt whose own answer ended the race. */
  #finish(answered?: Try<T, A>): void {
    this.#isFinished = true;
    this.#cancelDelay?.();
    this.#cancelTimeout?.();
    this.#offAbort?.();
    for (const entry of this.#tries) {
      if (entry !== answered && entry.error === undefined) entry.attempt.cancel();
    }
  }
}

/**
 * Connects to the first of several addresses that answers. Another attempt starts `attemptDelay` after the newest, or at
 * once when the newest has failed; the first success wins. Every other attempt is cancelled, and what one of them makes
 * nevertheless is given to `discard`. At most 16 attempts are under way at once, and at most 64 addresses are tried.
 *
 * @throws {ConnectError} every attempt failed, or the time ran out: then the unanswered attempts' errors are `ETIMEDOUT`
 * @throws the signal's reason, if it aborts first
 * @see RFC 8305, section 5
 */
export function raceConnect<T, A extends SocketAddress>(options: RaceOptions<T, A>): Promise<T> {
  return new Promise((resolve, reject) => {
    new Race(options, resolve, reject).run();
  });
}
