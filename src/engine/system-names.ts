/** Names and interfaces as the system tells them, asked without a thread of libuv's. */
import type { IpAddress } from '../base/address.ts';
import type { LookUpOptions } from '../base/names.ts';
import type { NetworkInterface } from '../base/provider.ts';
import type { SystemNames } from '../portable/node-names.ts';
import { interfaces } from '../posix/interfaces.ts';
import type { AddressInfo } from '../posix/resolve.ts';
import { resolve } from '../posix/resolve.ts';

/** What one thread of JavaScript may have under way in the pool of names: `docs/design/0009`. */
const MAX_SYSTEM_LOOKUPS = 3;

const FAMILIES = { ipv4: 'AF_INET', ipv6: 'AF_INET6' } as const;

function toIpAddress({ address }: AddressInfo): IpAddress[] {
  if (address.family !== 'ipv4' && address.family !== 'ipv6') return [];
  const { family, host, scope } = address;
  return [{ family, host, ...(scope === undefined ? {} : { scope }) }];
}

async function lookUp(name: string, { family, signal }: LookUpOptions): Promise<readonly IpAddress[]> {
  const rows = await resolve(name, {
    type: 'SOCK_STREAM',
    family: family === undefined ? undefined : FAMILIES[family],
    signal,
  });
  return rows.flatMap(toIpAddress);
}

/** Look-ups on threads for names alone. One that is given up is taken back, if it has not begun. */
export const SYSTEM_NAMES: SystemNames = { lookUp, limit: MAX_SYSTEM_LOOKUPS };

/** The addresses of interfaces that are up. @throws {SystemError} */
export function listInterfaces(): readonly NetworkInterface[] {
  return interfaces()
    .filter(({ flagNames }) => flagNames.includes('IFF_UP'))
    .flatMap(({ name, index, flagNames, addresses }) => {
      const internal = flagNames.includes('IFF_LOOPBACK');
      const multicast = flagNames.includes('IFF_MULTICAST');
      return addresses.map(({ family, host, scope, prefixLength }) => {
        const address: IpAddress = { family, host, ...(scope === undefined ? {} : { scope: name }) };
        return { name, address, prefixLength, internal, index, multicast };
      });
    });
}
