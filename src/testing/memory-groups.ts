/** The multicast groups of one socket in memory. */
import type { IpAddress } from '../base/address.ts';
import { SystemError } from '../base/errors.ts';
import type { Membership } from '../base/provider.ts';
import { sameMembership } from '../base/same-membership.ts';

/** Whether an address is that of a group. */
export function isMulticast({ family, host }: IpAddress): boolean {
  if (family === 'ipv6') return /^ff[0-9a-f]{2}:/.test(host);
  const first = Number(host.split('.')[0]);
  return first >= 224 && first <= 239;
}

export function isSameAddress(a: IpAddress | undefined, b: IpAddress | undefined): boolean {
  return a?.family === b?.family && a?.host === b?.host;
}

interface Joined {
  readonly membership: Membership;
  readonly interfaceIndex: number;
}

/** Finds the interface of a membership. @throws {SystemError} `ENODEV` */
export type FindInterface = (membership: Membership) => number;

export class MemoryGroups {
  readonly #find: FindInterface;
  #joined: Joined[] = [];

  constructor(find: FindInterface) {
    this.#find = find;
  }

  get memberships(): readonly Membership[] {
    return this.#joined.map(({ membership }) => membership);
  }

  /** @throws {SystemError} `EADDRINUSE`, `EINVAL`, `ENODEV` */
  join(membership: Membership): void {
    if (!isMulticast(membership.group)) throw refused('EINVAL', 'join');
    const joined = { membership, interfaceIndex: this.#find(membership) };
    if (this.#joined.some((other) => isSame(joined, other))) throw refused('EADDRINUSE', 'join');
    // A group is joined for some senders or for all, but not both (RFC 3678, section 4.1.3).
    if (this.#joined.some((other) => isMixed(joined, other))) throw refused('EINVAL', 'join');
    this.#joined.push(joined);
  }

  /** @throws {SystemError} `EADDRNOTAVAIL` */
  leave(membership: Membership): void {
    const rest = this.#joined.filter((other) => !sameMembership(membership, other.membership));
    if (rest.length === this.#joined.length) throw refused('EADDRNOTAVAIL', 'leave');
    this.#joined = rest;
  }

  /** Whether what `from` sends to `group` over an interface is for this socket. */
  hears(group: IpAddress, from: IpAddress, interfaceIndex: number): boolean {
    return this.#joined.some(
      ({ membership, interfaceIndex: at }) =>
        at === interfaceIndex &&
        isSameAddress(membership.group, group) &&
        (membership.source === undefined || isSameAddress(membership.source, from)),
    );
  }
}

function isSameGroup(a: Joined, b: Joined): boolean {
  return a.interfaceIndex === b.interfaceIndex && isSameAddress(a.membership.group, b.membership.group);
}

function isSame(a: Joined, b: Joined): boolean {
  return isSameGroup(a, b) && isSameAddress(a.membership.source, b.membership.source);
}

function isMixed(a: Joined, b: Joined): boolean {
  return isSameGroup(a, b) && (a.membership.source === undefined) !== (b.membership.source === undefined);
}

function refused(code: string, op: string): SystemError {
  return new SystemError(code, { op, syscall: 'setsockopt', transport: 'udp' });
}
