/** `portside/engine`: the providers of this machine, and what one needs to use them. */
export { formatAddress, parseAddress } from '../base/address.ts';
export type { IpAddress, IpEndpoint, SocketAddress, UnixEndpoint } from '../base/address.ts';
export {
  BrokenError,
  BusyError,
  ClosedError,
  ConnectError,
  DeniedError,
  EndError,
  isSocketError,
  LimitError,
  OverflowError,
  ResolveError,
  SocketError,
  SystemError,
  TlsError,
  UnsupportedError,
} from '../base/errors.ts';
export type { LookUpOptions, Resolver } from '../base/names.ts';
export type { TlsFailure } from '../base/errors.ts';
export type { KeepAlive, SocketOptions } from '../base/options.ts';
export type * from '../base/provider.ts';
export { reader } from '../base/reader.ts';
export type { Adopted, AdoptOptions, Ownership } from '../engine/adopt.ts';
export { localProvider } from '../engine/local-provider.ts';
export type { Faults, LocalProvider, LocalProviderOptions } from '../engine/local-provider.ts';
export type { Detachment } from '../engine/stream-state.ts';
export { portableProvider } from '../portable/portable-provider.ts';
export type { PortableOptions } from '../portable/portable-provider.ts';
export { nodeTls } from '../portable/tls-handshake.ts';
export { tlsSessions } from '../portable/tls-sessions.ts';
export type { TlsSessionsOptions } from '../portable/tls-sessions.ts';
export type { TlsAttempt, TlsContext, TlsStream, TlsUpgrader } from '../base/tls-upgrader.ts';
