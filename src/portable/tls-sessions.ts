import { integer, readOptions, requireObject, withDefault } from '../base/rules.ts';
import type { TlsSessions } from '../base/tls.ts';

export interface TlsSessionsOptions {
  /** Sessions that are kept at most; the one that was not used for longest goes first. Default 1,000. */
  readonly max?: number | undefined;
}

class LatestSessions implements TlsSessions {
  readonly #max: number;
  /** In order of their last use. */
  readonly #sessions = new Map<string, Uint8Array>();

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string): Uint8Array | undefined {
    const session = this.#sessions.get(key);
    if (session !== undefined) this.#put(key, session);
    return session;
  }

  set(key: string, session: Uint8Array): void {
    this.#put(key, new Uint8Array(session));
    if (this.#sessions.size <= this.#max) return;
    for (const oldest of this.#sessions.keys()) {
      this.#sessions.delete(oldest);
      return;
    }
  }

  delete(key: string): void {
    this.#sessions.delete(key);
  }

  #put(key: string, session: Uint8Array): void {
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
  }
}

/**
 * Keeps the sessions of TLS clients, so that the next connection to the same server is made without its certificate: give
 * one to all connections that may know of each other, as `tls: { sessions }`. Whoever has a session can resume it, so it is
 * as secret as a key.
 *
 * @throws {TypeError | RangeError} `max` is no whole number from 1 on
 */
export function tlsSessions(options: TlsSessionsOptions = {}): TlsSessions {
  const { max } = readOptions(requireObject(options, 'options'), {
    max: withDefault(integer(1, 2 ** 24), 1000),
  });
  return new LatestSessions(max);
}
