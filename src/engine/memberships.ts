/** The multicast groups that one socket has joined. */
import type { ErrorDetails } from '../base/errors.ts';
import { SystemError } from '../base/errors.ts';
import type { Membership } from '../base/provider.ts';
import { sameMembership } from '../base/same-membership.ts';
import { writeMembership } from './envelope.ts';
import type { Reactor } from './reactor.ts';
import { listInterfaces } from './system-names.ts';

interface Joined {
  readonly words: Membership;
  /** The interface, which may have lost the address by which it was named; 0 for the system's choice. */
  readonly index: number;
}

export class Memberships {
  readonly #reactor: Reactor;
  readonly #handle: number;
  readonly #isForeign: boolean;
  readonly #joined: Joined[] = [];

  /** @param isForeign whether somebody may have joined groups before, of which the system tells nothing */
  constructor(reactor: Reactor, handle: number, isForeign: boolean) {
    this.#reactor = reactor;
    this.#handle = handle;
    this.#isForeign = isForeign;
  }

  get list(): readonly Membership[] {
    return this.#joined.map(({ words }) => words);
  }

  /** @param wanted as `validateMembership` made it @throws {SystemError} */
  join(wanted: Membership, details: ErrorDetails): void {
    // Of a source that is joined already the system says something else (ip_mc_source answers EADDRNOTAVAIL).
    if (this.#find(wanted) >= 0) throw new SystemError('EADDRINUSE', { ...details, syscall: 'setsockopt' });
    const index = this.#interfaceOf(wanted, details);
    this.#call({ words: wanted, index }, true, details);
    this.#joined.push({ words: wanted, index });
  }

  /** @throws {SystemError} */
  leave(wanted: Membership, details: ErrorDetails): void {
    const at = this.#find(wanted);
    const joined = this.#joined[at];
    if (joined === undefined && this.#isForeign) {
      this.#call({ words: wanted, index: this.#interfaceOf(wanted, details) }, false, details);
      return;
    }
    if (joined === undefined) throw new SystemError('EADDRNOTAVAIL', { ...details, syscall: 'setsockopt' });
    this.#call(joined, false, details);
    this.#joined.splice(at, 1);
  }

  #find(wanted: Membership): number {
    return this.#joined.findIndex(({ words }) => sameMembership(words, wanted));
  }

  #call({ words, index }: Joined, joins: boolean, details: ErrorDetails): void {
    const { native, names } = this.#reactor;
    writeMembership(native.scratch, words, (name) => this.#reactor.interfaceIndex(name, details));
    const result = native.membership(this.#handle, joins, index);
    if (result < 0) throw names.error(-result, 'setsockopt', details);
  }

  #interfaceOf({ interfaceIndex, interfaceAddress, group }: Membership, details: ErrorDetails): number {
    if (interfaceIndex !== undefined) return interfaceIndex;
    if (interfaceAddress !== undefined) {
      const { family, host } = interfaceAddress;
      const found = listInterfaces().find(
        ({ address }) => address.family === family && address.host === host,
      );
      if (found?.index !== undefined) return found.index;
      throw new SystemError('ENODEV', { ...details, reason: `no interface has the address ${host}` });
    }
    const { scope } = group;
    if (scope === undefined) return 0;
    return /^\d+$/.test(scope) ? Number(scope) : this.#reactor.interfaceIndex(scope, details);
  }
}
