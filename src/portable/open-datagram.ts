/** Binding and connecting with `node:dgram`. */
import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import type { IpAddress, IpEndpoint } from '../base/address.ts';
import { parseIp } from '../base/address.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { UnsupportedError } from '../base/errors.ts';
import type { UdpBindPlan } from '../base/validate-datagram.ts';
import { hostText } from './node-address.ts';
import { toSystemError } from './node-errors.ts';

const NODE_TYPE = { ipv4: 'udp4', ipv6: 'udp6' } as const;
const ON_ALL = { ipv4: '0.0.0.0', ipv6: '::' } as const;

/** A UDP socket that is bound, and has not told of anything yet. */
export interface OpenDatagram {
  readonly socket: Socket;
  readonly local: IpEndpoint;
}

/** @throws {UnsupportedError} the plan asks for what `node:dgram` has not */
export function requirePossible({ reusePort, icmpErrors }: UdpBindPlan): void {
  const details = { op: 'bind', transport: 'udp' } as const;
  if (reusePort) throw new UnsupportedError('reusePort needs the native engine', details);
  if (icmpErrors) throw new UnsupportedError('icmpErrors needs the native engine', details);
}

/** Addresses are numeric here: what Node would ask a resolver for is there already. */
function noLookup(
  host: string,
  _options: unknown,
  callback: (error: null, address: string, family: number) => void,
): void {
  callback(null, host, host.includes(':') ? 6 : 4);
}

function localOf(socket: Socket): IpEndpoint {
  const { address, port } = socket.address();
  const found = parseIp(address);
  if (found === null) throw new Error(`node:dgram told an address that is none: ${address}`);
  return { ...found, port };
}

/** Waits for the one event that says how a call ended. Its listeners are gone when this settles. */
function outcome(socket: Socket, event: 'connect' | 'listening', details: ErrorDetails): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      socket.off(event, done);
      reject(toSystemError(error, details));
    };
    const done = (): void => {
      socket.off('error', failed);
      resolve();
    };
    socket.once('error', failed);
    socket.once(event, done);
  });
}

/** @throws {SystemError} */
export async function openDatagram(plan: UdpBindPlan, remote: IpEndpoint | undefined): Promise<OpenDatagram> {
  const family = plan.host?.family ?? remote?.family ?? plan.family ?? 'ipv4';
  const host: IpAddress = plan.host ?? { family, host: ON_ALL[family] };
  const socket = createSocket({
    type: NODE_TYPE[family],
    reuseAddr: plan.reuseAddress,
    ipv6Only: plan.ipv6Only ?? false,
    lookup: noLookup,
  });
  const asked = { op: 'bind', transport: 'udp', local: { ...host, port: plan.port } } as const;
  try {
    const bound = outcome(socket, 'listening', asked);
    // Not shared with other processes of a cluster, which would have it send from another thread of events.
    socket.bind({ address: hostText(host), port: plan.port, exclusive: true });
    await bound;
    if (remote !== undefined) {
      const connected = outcome(socket, 'connect', { ...asked, remote });
      socket.connect(remote.port, hostText(remote));
      await connected;
    }
    return { socket, local: localOf(socket) };
  } catch (error) {
    socket.close();
    throw toSystemError(error, asked);
  }
}
