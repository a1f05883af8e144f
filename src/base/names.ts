/** From names to addresses: what is the same for every provider, whoever looks the names up. */
import type { AbortSignalLike } from './abort.ts';
import type { IpAddress, IpFamily } from './address.ts';
import { formatAddress, parseIp } from './address.ts';
import { ipAddresses } from './address-rules.ts';
import type { Clock } from './clock.ts';
import { withDeadline } from './deadline.ts';
import { ClosedError, isSocketError, ResolveError, SystemError } from './errors.ts';
import { orderAddresses } from './happy-eyeballs.ts';
import type { ResolvePlan } from './validate.ts';

/** How many look-ups of a resolver of the program's own are under way at once in one provider. */
export const MAX_LOOKUPS = 16;

export interface LookUpOptions<S extends AbortSignalLike = AbortSignalLike> {
  /** Only addresses of this family are wanted; others are left out. */
  readonly family: IpFamily | undefined;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: S;
}

/**
 * Looks up a name, in place of the system's resolver: at most 16 at once, others wait for their turn in order. One that
 * does not heed its signal counts until its promise settles.
 *
 * @param host a name, in the ASCII form of IDNA; never a numeric address, and never what the system would take for one
 * @returns at most 4096 addresses, the best first. They are judged like arguments; those that come twice are tried once
 * @throws {ResolveError} passed on as it is; of anything else that is thrown it becomes the `cause`
 */
export type Resolver<S extends AbortSignalLike = AbortSignalLike> = (
  host: string,
  options: LookUpOptions<S>,
) => Promise<readonly IpAddress[]>;

interface Controller<S extends AbortSignalLike> {
  readonly signal: S;
  abort(reason: unknown): void;
}

export interface NamesOptions<S extends AbortSignalLike> {
  readonly lookUp: Resolver<S>;
  /** Look-ups that are under way at once. */
  readonly limit: number;
  readonly clock: Clock;
  /** The platform's `AbortController`. */
  makeController(): Controller<S>;
  /** The form that names have in the DNS; empty for what has none. Left out, names are what they are. */
  toAscii?(host: string): string;
}

/**
 * Text that getaddrinfo would take for an IPv4 address in one of inet_aton's forms (`127.1`, `0x7f.1`, `2130706433`,
 * `010.0.0.1`), and that no name can be: the last label of a name is not a number (RFC 3696, section 2). What is no
 * address to `parseIp` must not become one behind its back.
 */
const LOOSE_NUMBER = /(^|\.)(\d+|0x[\da-f]*)\.?$/i;
/** The same of IPv6, and of zones. */
const LOOSE_IPV6 = /[:%]/;

function isName(text: string): boolean {
  return text !== '' && !LOOSE_NUMBER.test(text) && !LOOSE_IPV6.test(text);
}

function resolveNumeric(address: IpAddress, { host, family }: ResolvePlan): readonly IpAddress[] {
  if (family !== undefined && family !== address.family) throw new ResolveError('EAI_ADDRFAMILY', host);
  return [address];
}

/** The same address may stand twice in hosts(5). */
function distinct(addresses: readonly IpAddress[]): IpAddress[] {
  return [...new Map(addresses.map((address) => [formatAddress({ ...address, port: 0 }), address])).values()];
}

/** What was answered, judged and put in the order of trying. @throws {ResolveError} */
function readAnswer(answer: unknown, { host, family }: ResolvePlan): readonly IpAddress[] {
  let all: readonly IpAddress[];
  try {
    all = ipAddresses(answer, 'answer');
  } catch (cause) {
    const reason = `what the resolver answered is no list of addresses (${String(cause)})`;
    throw new ResolveError('EAI_FAIL', host, { reason, cause });
  }
  const fitting = all.filter((address) => family === undefined || address.family === family);
  if (fitting.length === 0) throw new ResolveError(all.length === 0 ? 'EAI_NODATA' : 'EAI_ADDRFAMILY', host);
  return orderAddresses(distinct(fitting));
}

/** A look-up that somebody waits for. */
class Wanted<S extends AbortSignalLike> {
  readonly plan: ResolvePlan;
  readonly name: string;
  readonly controller: Controller<S>;
  readonly answer: Promise<readonly IpAddress[]>;
  resolve: (addresses: readonly IpAddress[]) => void = () => undefined;
  reject: (reason: unknown) => void = () => undefined;

  constructor(plan: ResolvePlan, name: string, controller: Controller<S>) {
    this.plan = plan;
    this.name = name;
    this.controller = controller;
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** The names of one provider. */
export class Names<S extends AbortSignalLike> {
  readonly #options: NamesOptions<S>;
  readonly #wanted = new Set<Wanted<S>>();
  /** Those of them that have not begun, in the order in which they were asked for. */
  readonly #waiting = new Set<Wanted<S>>();
  /** Look-ups that have begun and not settled, wanted or not. */
  #underWay = 0;

  constructor(options: NamesOptions<S>) {
    this.#options = options;
  }

  /**
   * The addresses of a host in the order in which they should be tried: that of the resolver, the families alternating.
   * Numeric text is its own answer. Whoever gives up is answered at once; what waits for its turn is then forgotten.
   *
   * @throws {ResolveError} `EAI_NONAME`, `EAI_AGAIN` …
   * @throws {SystemError} `ETIMEDOUT`
   * @throws {ClosedError} the names were closed meanwhile
   * @throws the signal's reason, if it aborts first
   */
  async resolve(plan: ResolvePlan): Promise<readonly IpAddress[]> {
    const { host, signal } = plan;
    if (signal?.aborted === true) throw signal.reason;
    const numeric = parseIp(host);
    if (numeric !== null) return resolveNumeric(numeric, plan);
    // IDNA turns digits of other scripts, and other dots, into these: '127。0。0。1' is such a number too.
    const name = isName(host) ? (this.#options.toAscii?.(host) ?? host) : '';
    if (!isName(name)) throw new ResolveError('EAI_NONAME', host);
    return this.#ask(plan, name);
  }

  /** Fails what is wanted, and has look-ups that are under way aborted. */
  close(): void {
    for (const wanted of this.#wanted) wanted.reject(new ClosedError({ op: 'resolve' }));
  }

  async #ask(plan: ResolvePlan, name: string): Promise<readonly IpAddress[]> {
    const wanted = new Wanted(plan, name, this.#options.makeController());
    this.#wanted.add(wanted);
    this.#waiting.add(wanted);
    this.#next();
    const reason = `no answer in time for ${JSON.stringify(plan.host)}`;
    const late = (): SystemError => new SystemError('ETIMEDOUT', { op: 'resolve', reason });
    try {
      return await withDeadline(wanted.answer, plan, this.#options.clock, late);
    } catch (error) {
      this.#waiting.delete(wanted);
      wanted.controller.abort(error);
      throw error;
    } finally {
      this.#wanted.delete(wanted);
    }
  }

  #next(): void {
    for (const wanted of this.#waiting) {
      if (this.#underWay >= this.#options.limit) return;
      this.#waiting.delete(wanted);
      void this.#lookUp(wanted);
    }
  }

  /** Never rejects: all that goes wrong is the answer. */
  async #lookUp({ plan, name, controller, resolve, reject }: Wanted<S>): Promise<void> {
    this.#underWay++;
    try {
      const { signal } = controller;
      resolve(readAnswer(await this.#options.lookUp(name, { family: plan.family, signal }), plan));
    } catch (error) {
      reject(error);
    }
    this.#underWay--;
    this.#next();
  }
}

/** A resolver of the program's own, of which nothing comes but answers and `ResolveError`s. */
export function careful<S extends AbortSignalLike>(resolver: Resolver<S>): Resolver<S> {
  return async (host, options) => {
    try {
      return await resolver(host, options);
    } catch (cause) {
      if (isSocketError(cause) && cause.name === 'ResolveError') throw cause;
      throw new ResolveError('EAI_FAIL', host, { reason: 'the resolver failed', cause });
    }
  };
}
