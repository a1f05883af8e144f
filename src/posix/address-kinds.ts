/** Which of the addresses here are also those of the rest of Portside. */
import type { SocketAddress as CoreAddress } from '../base/address.ts';
import type { SocketAddress } from './address.ts';

/** The address for an error: those of IP and Unix sockets, which every part of Portside can show. */
export function inCore(address: SocketAddress | undefined): CoreAddress | undefined {
  switch (address?.family) {
    case 'ipv4':
    case 'ipv6':
    case 'unix':
      return address;
    default:
      return undefined;
  }
}
