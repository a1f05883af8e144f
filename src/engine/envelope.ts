/** Where and how one message goes, laid out in the scratch as `native/binding/envelope.h` reads it. */
import type { IpAddress, SocketAddress } from '../base/address.ts';
import type { Membership, OutgoingDatagram } from '../base/provider.ts';
import type { AddressArguments } from './sockaddr.ts';
import { flatten } from './sockaddr.ts';

/** How `NativeReactor.send` finds the destination. */
export const HOW = { connected: 0, scratch: 1, ipv4: 4 } as const;

const CHOICE = { to: 1, from: 2, interfaceIndex: 4, ttl: 8, trafficClass: 16 } as const;
/** The words behind the first. */
const NUMBERS = ['interfaceIndex', 'ttl', 'trafficClass'] as const;
const FROM = 16;
const TO = 40;
const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

type InterfaceIndex = (name: string) => number;

function writeEnd(scratch: Uint8Array, offset: number, end: AddressArguments): void {
  const view = new DataView(scratch.buffer, scratch.byteOffset + offset);
  view.setUint8(0, end.family);
  view.setUint8(1, end.bytes.length);
  view.setUint16(2, end.port, LITTLE);
  view.setUint32(4, end.scope, LITTLE);
  scratch.set(end.bytes, offset + 8);
}

const withPort = (address: IpAddress): SocketAddress => ({ ...address, port: 0 });

/** @param message as `validateMessage` made it */
export function writeEnvelope(
  scratch: Uint8Array,
  message: OutgoingDatagram,
  interfaceIndex: InterfaceIndex,
): void {
  const { to, from } = message;
  const ends = {
    from: from === undefined ? undefined : flatten(withPort(from), interfaceIndex),
    to: to === undefined ? undefined : flatten(to, interfaceIndex),
  };
  const view = new DataView(scratch.buffer, scratch.byteOffset);
  let mask = (to === undefined ? 0 : CHOICE.to) | (from === undefined ? 0 : CHOICE.from);
  for (const [i, name] of NUMBERS.entries()) {
    const value = message[name];
    if (value !== undefined) mask |= CHOICE[name];
    view.setInt32(4 * (i + 1), value ?? 0, LITTLE);
  }
  view.setUint32(0, mask, LITTLE);
  if (ends.from !== undefined) writeEnd(scratch, FROM, ends.from);
  if (ends.to !== undefined) writeEnd(scratch, TO, ends.to);
}

/** Lays out the group and the source of a membership, for `NativeReactor.membership`. */
export function writeMembership(
  scratch: Uint8Array,
  { group, source }: Membership,
  interfaceIndex: InterfaceIndex,
): void {
  const ends = {
    group: flatten(withPort(group), interfaceIndex),
    source: source === undefined ? undefined : flatten(withPort(source), interfaceIndex),
  };
  scratch.fill(0, FROM, TO);
  writeEnd(scratch, TO, ends.group);
  if (ends.source !== undefined) writeEnd(scratch, FROM, ends.source);
}
