/** From a host to the addresses that may be used for it: the name is judged first, then every address. */
import type { AbortSignalLike } from '../base/abort.ts';
import { onAbort } from '../base/abort.ts';
import { Aborter } from '../base/aborter.ts';
import type { IpAddress, IpFamily } from '../base/address.ts';
import { parseIp } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { withDeadline } from '../base/deadline.ts';
import { ClosedError, SystemError } from '../base/errors.ts';
import type { SocketProvider } from '../base/provider.ts';
import { denial } from './admit.ts';
import { OPS } from './ops.ts';
import type { Decision, Policy } from './policy.ts';
import { judge } from './policy.ts';
import type { SocketRequest } from './rule.ts';

/** How long, and for whom. */
export interface Asking {
  readonly signal: AbortSignalLike | undefined;
  /** Milliseconds that are left; asked for whenever something is waited for. */
  readonly timeLeft: () => number | undefined;
}

export interface HostQuestion extends SocketRequest {
  readonly family: IpFamily | undefined;
  /** Addresses that were given in the place of a look-up. */
  readonly addresses: readonly IpAddress[] | undefined;
}

/** An address of the host, and what is asked of it. */
interface Judged extends Decision {
  readonly address: IpAddress;
  readonly request: SocketRequest;
}

/**
 * What is asked of one address of a host. Addresses that the caller gave are not the host's because he says so: each is
 * judged as if it had been written itself.
 */
export function addressRequest(
  { op, host, port, addresses }: HostQuestion,
  address: IpAddress,
): SocketRequest {
  return addresses === undefined ? { op, host, port, address } : { op, host: address.host, port, address };
}

/** Judges what can wait for an answer. */
export class Judge {
  readonly #provider: SocketProvider;
  readonly #policy: Policy;
  readonly #clock: Clock;
  /** Aborts when the provider closes: nobody is asked any longer. */
  readonly #closing = new Aborter();

  constructor(provider: SocketProvider, policy: Policy, clock: Clock) {
    this.#provider = provider;
    this.#policy = policy;
    this.#clock = clock;
  }

  /** @throws {DeniedError} neither the policy nor anybody whom it asks says yes */
  async admit(request: SocketRequest, asking: Asking): Promise<void> {
    const decision = judge(this.#policy, request);
    if (!decision.allowed) await this.#askFor(request, decision, asking);
  }

  /**
   * @returns the addresses to use and no others, in the order in which they came
   * @throws {DeniedError} none may be used
   * @throws {ResolveError} the name has none
   */
  async addresses(question: HostQuestion, asking: Asking): Promise<readonly IpAddress[]> {
    const { op, host, port } = question;
    const decision = judge(this.#policy, { op, host, port });
    const isAsked = !decision.allowed && decision.dependsOnAddress !== true;
    if (isAsked) await this.#askFor({ op, host, port }, decision, asking);
    const judged = (await this.#find(question, asking)).map((address) => this.#judged(question, address));
    // Whoever said yes to the name said so of its addresses, but for those that only a rule for themselves allows.
    const isName = isAsked && question.addresses === undefined;
    const isGood = ({ allowed, rule, isInside }: Judged): boolean =>
      allowed || (isName && rule === undefined && isInside !== true);
    const good = judged.filter(isGood);
    if (good.length > 0) return good.map(({ address }) => address);
    const refused = judged.find(({ rule }) => rule === undefined) ?? judged[0];
    if (refused === undefined) return [];
    await this.#askFor(refused.request, refused, asking);
    return [refused.address];
  }

  /** Whoever waits for an answer hears that the provider has closed. */
  close(): void {
    this.#closing.abort(undefined);
  }

  #judged(question: HostQuestion, address: IpAddress): Judged {
    const request = addressRequest(question, address);
    return { address, request, ...judge(this.#policy, request) };
  }

  async #find(
    { host, family, addresses }: HostQuestion,
    { signal, timeLeft }: Asking,
  ): Promise<readonly IpAddress[]> {
    if (addresses !== undefined) return addresses;
    const address = parseIp(host);
    if (address !== null && (family === undefined || family === address.family)) return [address];
    return this.#provider.resolve(host, { family, signal, timeout: timeLeft() });
  }

  /** Nobody is asked about what a rule denies. */
  async #askFor(request: SocketRequest, decision: Decision, asking: Asking): Promise<void> {
    const policy = this.#policy;
    if (typeof policy === 'function' || policy.ask === undefined || decision.rule !== undefined)
      throw denial(request, decision);
    // Of the question: it ends with the call, however that ends.
    const over = new Aborter();
    let cause: unknown;
    const said = Promise.resolve(policy.ask(request, over)).catch((error: unknown) => {
      cause = error;
      return false;
    });
    try {
      if ((await this.#waitFor(said, request, asking)) === true) return;
    } finally {
      over.abort(new Error('the call that asked has ended'));
    }
    throw denial(request, decision, cause);
  }

  /** @throws what ends the call before there is an answer */
  #waitFor(said: Promise<unknown>, { op }: SocketRequest, { signal, timeLeft }: Asking): Promise<unknown> {
    const { action } = OPS[op];
    const closed = new Promise<never>((_, reject) => {
      const off = onAbort(this.#closing, () => {
        reject(new ClosedError({ op: action }));
      });
      void said.finally(off);
    });
    const late = (): SystemError => new SystemError('ETIMEDOUT', { op: action });
    return withDeadline(Promise.race([said, closed]), { signal, timeout: timeLeft() }, this.#clock, late);
  }
}
