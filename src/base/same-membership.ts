/** When two memberships are the same: what was joined is left in the same words. */
import type { IpAddress } from './address.ts';
import type { Membership } from './datagram.ts';

const sameAddress = (a: IpAddress | undefined, b: IpAddress | undefined): boolean =>
  a?.family === b?.family && a?.host === b?.host && a?.scope === b?.scope;

/** Whether both name the same group, interface and source, in the same words. */
export function sameMembership(a: Membership, b: Membership): boolean {
  return (
    sameAddress(a.group, b.group) &&
    sameAddress(a.source, b.source) &&
    sameAddress(a.interfaceAddress, b.interfaceAddress) &&
    a.interfaceIndex === b.interfaceIndex
  );
}
