/** The multicast groups that one socket of `node:dgram` has joined. */
import type { Socket } from 'node:dgram';
import type { IpAddress } from '../base/address.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { SystemError } from '../base/errors.ts';
import type { Membership, NetworkInterface } from '../base/provider.ts';
import { sameMembership } from '../base/same-membership.ts';
import { interfaceText } from './datagram-options.ts';
import { hostText } from './node-address.ts';
import { toSystemError } from './node-errors.ts';
import { listInterfaces } from './node-names.ts';

/** @throws {SystemError} `ENODEV`: no interface has the address */
function interfaceOf(address: IpAddress): string {
  if (address.family === 'ipv4') return address.host;
  const isOne = ({ name, index, address: own }: NetworkInterface): boolean =>
    own.host === address.host && [undefined, name, String(index)].includes(address.scope);
  const found = listInterfaces().find(isOne);
  if (found === undefined) throw new SystemError('ENODEV', { op: 'join', transport: 'udp' });
  return `::%${found.name}`;
}

function whereOf({ group, interfaceIndex, interfaceAddress }: Membership): string | undefined {
  if (interfaceAddress !== undefined) return interfaceOf(interfaceAddress);
  if (interfaceIndex !== undefined) return interfaceText(interfaceIndex, group.family);
  // Node reads no interface out of the group, and none by its number.
  const { scope } = group;
  if (scope === undefined) return undefined;
  return /^\d+$/.test(scope) ? interfaceText(Number(scope), 'ipv6') : `::%${scope}`;
}

/** @throws {SystemError} @throws {UnsupportedError} */
function setMembership(socket: Socket, op: 'join' | 'leave', membership: Membership): void {
  const { group, source } = membership;
  const where = whereOf(membership);
  const text = hostText(group);
  try {
    if (source === undefined && op === 'join') socket.addMembership(text, where);
    else if (source === undefined) socket.dropMembership(text, where);
    else if (op === 'join') socket.addSourceSpecificMembership(hostText(source), text, where);
    else socket.dropSourceSpecificMembership(hostText(source), text, where);
  } catch (error) {
    throw toSystemError(error, { op, transport: 'udp' });
  }
}

export class DatagramGroups {
  readonly #socket: Socket;
  #joined: readonly Membership[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get list(): readonly Membership[] {
    return [...this.#joined];
  }

  /** @param wanted as `validateMembership` made it @throws {SystemError} @throws {UnsupportedError} */
  join(wanted: Membership, details: ErrorDetails): void {
    // Of a source that is joined already the system says EADDRNOTAVAIL, and EINVAL of one that is not.
    if (this.#has(wanted)) throw new SystemError('EADDRINUSE', details);
    setMembership(this.#socket, 'join', wanted);
    this.#joined = [...this.#joined, wanted];
  }

  /** @throws {SystemError} @throws {UnsupportedError} */
  leave(wanted: Membership, details: ErrorDetails): void {
    if (!this.#has(wanted)) throw new SystemError('EADDRNOTAVAIL', details);
    setMembership(this.#socket, 'leave', wanted);
    this.#joined = this.#joined.filter((each) => !sameMembership(each, wanted));
  }

  #has(wanted: Membership): boolean {
    return this.#joined.some((each) => sameMembership(each, wanted));
  }
}
