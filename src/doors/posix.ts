/** `portside/posix`: BSD sockets in full, for programs that want the system's own calls. */
import { loadNative } from '../addon/load.ts';
import type { ConstantName } from '../addon/constant-names.ts';

export type { ConstantName, ErrnoName, ResolveErrorName } from '../addon/constant-names.ts';
export {
  BusyError,
  ClosedError,
  isSocketError,
  ResolveError,
  SocketError,
  SystemError,
  UnsupportedError,
} from '../base/errors.ts';
export type { IpEndpoint, UnixEndpoint } from '../base/address.ts';
export type * from '../posix/address.ts';
export type { AsyncOptions, BlockingOptions, CallOptions, ShutdownHow } from '../posix/arguments.ts';
export type { ReceivedFrom } from '../posix/byte-operations.ts';
export type { CodecContext, InterfaceIndex } from '../posix/codec.ts';
export type { DescriptorInput } from '../posix/control-codecs.ts';
export type { ControlInput, ControlMessage, RawControlMessage } from '../posix/control-messages.ts';
export type * from '../posix/control-values.ts';
export { Descriptor } from '../posix/descriptor.ts';
export type { DescriptorKind } from '../posix/descriptor.ts';
export { formatSocketAddress } from '../posix/format-address.ts';
export { ReceivedMessage } from '../posix/message.ts';
export type { BatchRoom, MessageRoom, OutgoingMessage } from '../posix/message.ts';
export type * from '../posix/option-types.ts';
export { interfaceIndex, interfaceName, interfaces } from '../posix/interfaces.ts';
export type { InterfaceAddress, InterfaceFlag, NetworkInterface } from '../posix/interfaces.ts';
export { nameInfo, nameInfoSync } from '../posix/name-info.ts';
export type { NameInfo, NameInfoFlag, NameInfoHints, NameInfoOptions } from '../posix/name-info.ts';
export { resolve, resolveSync } from '../posix/resolve.ts';
export type { AddressInfo, ResolveFlag, ResolveHints, ResolveOptions } from '../posix/resolve.ts';
export { protocolByName, protocolByNumber, serviceByName, serviceByPort } from '../posix/services.ts';
export type { Protocol, Service } from '../posix/services.ts';
export { poll } from '../posix/poll.ts';
export type { PollItem } from '../posix/poll.ts';
export { decodeSockaddr, encodeSockaddr, UNSPECIFIED } from '../posix/sockaddr.ts';
export { Socket } from '../posix/socket.ts';
export type { Accepted, FamilyName, Ownership, ProtocolName, TypeName } from '../posix/socket.ts';
export type { PeerCredentials } from '../posix/socket-core.ts';
export type { AsyncWait } from '../posix/waiting.ts';

/** The numbers of this system by name: `constants.MSG_PEEK`. */
export const constants: Readonly<Record<ConstantName, number>> = loadNative().constants;
