/** Addresses as Node's sockets tell them, and as its calls take them. */
import type { Server, Socket } from 'node:net';
import type { IpAddress, IpEndpoint, UnixEndpoint } from '../base/address.ts';
import { parseIp } from '../base/address.ts';
import { UnsupportedError } from '../base/errors.ts';
import { isAbstract } from './unix-path.ts';

/** What a system answers that no longer knows: a peer that reset the connection before it was accepted has no address. */
const UNKNOWN: IpEndpoint = { family: 'ipv4', host: '0.0.0.0', port: 0 };

function endpoint(host: string | undefined, port: number | undefined): IpEndpoint {
  const address = host === undefined ? null : parseIp(host);
  return address === null ? UNKNOWN : { ...address, port: port ?? 0 };
}

export function localOf(socket: Socket): IpEndpoint {
  return endpoint(socket.localAddress, socket.localPort);
}

export function remoteOf(socket: Socket): IpEndpoint {
  return endpoint(socket.remoteAddress, socket.remotePort);
}

export function boundTo(server: Server): IpEndpoint {
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? endpoint(bound.address, bound.port) : UNKNOWN;
}

/** Numeric text with the zone: what Node dials and binds without a look-up. */
export function hostText(address: IpAddress): string {
  return address.scope === undefined ? address.host : `${address.host}%${address.scope}`;
}

/**
 * Whether Node passes on an abstract name at its own length. Before Node 22 it fills it up with NULs to the full length
 * of an address, which is another name: nobody else would find it.
 */
export const hasAbstractNames: boolean =
  process.platform === 'linux' && Number(process.versions.node.split('.')[0]) >= 22;

/** The path as Node takes it, which is text. @throws {UnsupportedError} it is no UTF-8, or an abstract name where there are none */
export function pathText(path: string | Uint8Array): string {
  if (isAbstract(path) && !hasAbstractNames) {
    throw new UnsupportedError('abstract Unix names need Linux, and Node 22 or the native engine');
  }
  if (typeof path === 'string') return path;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(path);
  } catch (cause) {
    throw new UnsupportedError('a Unix path that is no UTF-8 needs the native engine', { cause });
  }
}

export function unixEndpoint(path: string): UnixEndpoint {
  return { family: 'unix', path };
}
