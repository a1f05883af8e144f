import type { SocketAddress } from '../base/address.ts';
import { validateDestination } from '../base/validate-datagram.ts';
import { admit, pathText } from './admit.ts';
import type { LiveSockets } from './live-sockets.ts';
import type { Policy } from './policy.ts';

/** Destinations of one socket that are remembered as permitted; the one that came first is forgotten first. */
export const MAX_REMEMBERED = 1024;

/** What a destination says of itself, of whatever type. */
interface Fields {
  readonly family: unknown;
  readonly host: unknown;
  readonly port: unknown;
  readonly scope: unknown;
  readonly path: unknown;
}

/** Each field is read once, so that what is judged is what is sent. */
function readFields(to: object): Fields {
  const { family, host, port, scope, path } = to as Fields;
  return { family, host, port, scope, path };
}

/**
 * What a destination is remembered by; `undefined` for what must be judged each time. Two that share a key are no danger:
 * the one that was permitted is the one that is sent to.
 */
function keyOf({ family, host, port, scope, path }: Fields): string | undefined {
  if (family === 'unix') return typeof path === 'string' ? path : undefined;
  if (family !== 'ipv4' && family !== 'ipv6') return undefined;
  if (typeof host !== 'string' || typeof port !== 'number') return undefined;
  if (scope === undefined) return `${host} ${String(port)}`;
  return typeof scope === 'string' ? `${host}%${scope} ${String(port)}` : undefined;
}

/** Where one socket may send to. */
export class Destinations {
  readonly #policy: Policy;
  readonly #transport: 'udp' | 'unix';
  readonly #permitted = new Map<string, SocketAddress>();
  readonly #live: Pick<LiveSockets, 'revocations'>;
  #lastKey: string | undefined;
  #last: SocketAddress | undefined;
  #revocations: number;

  constructor(policy: Policy, transport: 'udp' | 'unix', live: Pick<LiveSockets, 'revocations'>) {
    this.#policy = policy;
    this.#transport = transport;
    this.#live = live;
    this.#revocations = live.revocations;
  }

  /**
   * @returns the destination as it was judged, which nobody else can change
   * @throws {DeniedError} the policy says no
   * @throws {TypeError | RangeError} it is no destination
   */
  admit(to: object): SocketAddress {
    const fields = readFields(to);
    const key = keyOf(fields);
    if (key === undefined) return this.#judge(fields);
    if (this.#revocations !== this.#live.revocations) this.#forget();
    if (key !== this.#lastKey || this.#last === undefined) {
      this.#last = this.#permitted.get(key) ?? this.#remember(key, this.#judge(fields));
      this.#lastKey = key;
    }
    return this.#last;
  }

  /** A permission may have been taken back. */
  #forget(): void {
    this.#revocations = this.#live.revocations;
    this.#permitted.clear();
    this.#lastKey = undefined;
  }

  #judge(fields: Fields): SocketAddress {
    const address = validateDestination(fields, this.#transport);
    if (address.family === 'unix')
      admit(this.#policy, { op: 'unix-connect', host: pathText(address.path), port: 0 });
    else admit(this.#policy, { op: 'udp-send-to', host: address.host, port: address.port });
    return address;
  }

  #remember(key: string, address: SocketAddress): SocketAddress {
    if (this.#permitted.size >= MAX_REMEMBERED) {
      const [oldest] = this.#permitted.keys();
      if (oldest !== undefined) this.#permitted.delete(oldest);
    }
    this.#permitted.set(key, Object.freeze(address));
    return address;
  }
}
