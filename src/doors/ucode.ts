/**
 * `portside/ucode`: the socket module of the language ucode, for programs that were written for it. Functions answer
 * `null` when they fail; `error()` tells why.
 *
 * @see docs/reference/ucode.md
 */
export type { Address, AddressObject, AnsweredAddress, SocketAddress } from '../ucode/addresses.ts';
export type { BpfProgram } from '../ucode/bpf.ts';
export type { ByteString } from '../ucode/byte-strings.ts';
export { connect, listen } from '../ucode/connect.ts';
export * from '../ucode/constants.ts';
export type { ControlMessage, ControlMessageInput } from '../ucode/control.ts';
export type { ControlValue, Credentials, ExtendedError } from '../ucode/control-values.ts';
export type { Handle } from '../ucode/descriptors.ts';
export { create, error, open, pair, strerror } from '../ucode/module.ts';
export type { OptionValue } from '../ucode/options.ts';
export { poll } from '../ucode/poll.ts';
export type { PollItem, PollResult } from '../ucode/poll.ts';
export type { ReceivedDescriptor } from '../ucode/received-descriptor.ts';
export type { Received, ReceivedMessage } from '../ucode/receiving.ts';
export { addrinfo, nameinfo, sockaddr } from '../ucode/resolve.ts';
export type { AddressInfo, Hints, NameInfo } from '../ucode/resolve.ts';
export type { PeerCredentials, Socket } from '../ucode/socket.ts';
