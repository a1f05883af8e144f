/** The multicast groups that one socket has joined. */
import type { IpAddress } from '../base/address.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { SystemError } from '../base/errors.ts';
import type { Membership } from '../base/provider.ts';
import { writeMembership } from './envelope.ts';
import type { Reactor } from './reactor.ts';
import { listInterfaces } from './system-names.ts';

const sameAddress = (a: IpAddress | undefined, b: IpAddress | undefined): boolean =>
  a?.family === b?.family && a?.host === b?.host && a?.scope === b?.scope;

const sameMembership = (a: Membership, b: Membership): boolean =>
  sameAddress(a.group, b.group) &&
  sameAddress(a.source, b.source) &&
  sameAddress(a.interfaceAddress, b.interfaceAddress) &&
  a.interfaceIndex === b.interfaceIndex;

export class Memberships {
  readonly #reactor: Reactor;
  readonly #handle: number;
  readonly #joined: Membership[] = [];

  constructor(reactor: Reactor, handle: number) {
    this.#reactor = reactor;
    this.#handle = handle;
  }

  get list(): readonly Membership[] {
    return [...this.#joined];
  }

  /** @param wanted as `validateMembership` made it @throws {SystemError} */
  join(wanted: Membership, details: ErrorDetails): void {
    this.#call(wanted, true, details);
    this.#joined.push(wanted);
  }

  /** @throws {SystemError} */
  leave(wanted: Membership, details: ErrorDetails): void {
    this.#call(wanted, false, details);
    const at = this.#joined.findIndex((each) => sameMembership(each, wanted));
    if (at >= 0) this.#joined.splice(at, 1);
  }

  #call(wanted: Membership, joins: boolean, details: ErrorDetails): void {
    const { native, names } = this.#reactor;
    const index = this.#interfaceOf(wanted, details);
    writeMembership(native.scratch, wanted, (name) => this.#reactor.interfaceIndex(name, details));
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
