/** From a host to the addresses that may be used for it: the name is judged first, then every address. */
import type { AbortSignalLike } from '../base/abort.ts';
import type { IpAddress, IpFamily } from '../base/address.ts';
import { parseIp } from '../base/address.ts';
import type { SocketProvider } from '../base/provider.ts';
import { denial } from './admit.ts';
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

/** Judges what can wait for an answer. */
export class Judge {
  readonly #provider: SocketProvider;
  readonly #policy: Policy;

  constructor(provider: SocketProvider, policy: Policy) {
    this.#provider = provider;
    this.#policy = policy;
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
    const request: SocketRequest = { op, host, port };
    const decision = judge(this.#policy, request);
    let isAsked = false;
    if (!decision.allowed && decision.dependsOnAddress !== true) {
      await this.#askFor(request, decision, asking);
      isAsked = true;
    }
    const found = await this.#find(question, asking);
    const judged = found.map((address) => ({ address, ...judge(this.#policy, { ...request, address }) }));
    const allowed = judged.filter(({ allowed, rule }) => allowed || (isAsked && rule === undefined));
    if (allowed.length > 0) return allowed.map(({ address }) => address);
    const refused = judged.find(({ rule }) => rule !== undefined) ?? judged[0];
    if (refused === undefined) return [];
    await this.#askFor({ ...request, address: refused.address }, refused, asking);
    return judged.filter(({ rule }) => rule === undefined).map(({ address }) => address);
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
  async #askFor(request: SocketRequest, decision: Decision, { signal }: Asking): Promise<void> {
    const policy = this.#policy;
    const canAsk = typeof policy !== 'function' && policy.ask !== undefined && decision.rule === undefined;
    if (canAsk && (await policy.ask?.(request, signal)) === true) return;
    if (signal?.aborted === true) throw signal.reason;
    throw denial(request, decision);
  }
}
