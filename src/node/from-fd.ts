/** Descriptors as sockets of the promise API. */
import type { SocketOptions } from '../base/options.ts';
import type { WriteLimits } from '../base/provider.ts';
import { requireKnown, requireObject } from '../base/rules.ts';
import type { Adopted, AdoptOptions, Ownership } from '../engine/adopt.ts';
import { judgeAdoption } from '../facades/portside/rules.ts';
import type {
  AdoptDatagramOptions,
  AdoptListenerOptions,
  AdoptStreamOptions,
  Connection,
  DatagramSocket,
  Portside,
  Server,
} from '../facades/portside/types.ts';
import type { WebStreams } from '../facades/portside/web-streams.ts';
import type { Context } from './context.ts';
import { requireNative } from './context.ts';

export interface FromFdOptions
  extends
    WriteLimits,
    AdoptListenerOptions,
    AdoptDatagramOptions,
    Pick<AdoptStreamOptions, 'head' | 'readAhead'> {
  /**
   * `take`: the descriptor is the socket's from now on, and nobody else may close it. `borrow`: the socket works on a duplicate,
   * and the descriptor stays its owner's to close; closing and `abort` end nothing for the owner then.
   */
  readonly ownership: Ownership;
  /** Socket options: of a server, set on every accepted socket. */
  readonly options?: Partial<SocketOptions> | undefined;
  /** As of `bind`, for a UDP socket. Default: as the socket has it. */
  readonly icmpErrors?: boolean | undefined;
}

type SocketOption = Exclude<keyof FromFdOptions, 'head' | 'ownership'>;

/** What may be said of sockets of descriptors of which nothing else is known. */
export const SOCKET_OPTIONS: Readonly<Record<SocketOption, true>> = {
  ...{ options: true, highWaterMark: true, writeLimit: true, icmpErrors: true },
  ...{ readAhead: true, acceptAhead: true, onError: true },
  ...{ maxQueued: true, maxQueuedBytes: true, maxSize: true, meta: true },
};
const NAMES: Readonly<Record<keyof FromFdOptions, true>> = { ...SOCKET_OPTIONS, ownership: true, head: true };

/** What a descriptor turned out to be. */
export type SocketOfFd<Web extends WebStreams> =
  | { readonly kind: 'connection'; readonly socket: Connection<Web> }
  | { readonly kind: 'server'; readonly socket: Server<Connection<Web>> }
  | { readonly kind: 'datagram'; readonly socket: DatagramSocket }
  | { readonly kind: 'packet-server'; readonly socket: Server<DatagramSocket> };

/**
 * Makes a socket of a descriptor that is there already: inherited, received, or another library's. What it is is asked of the
 * system. It is made close-on-exec and, for everybody who shares it, non-blocking. Options of another kind of socket are
 * passed over, but for those in `options`.
 *
 * @throws {SystemError} `EBADF`, `ENOTSOCK`, `ENOTCONN` (a stream or packets, neither connected nor listening),
 *   `ESOCKTNOSUPPORT`, `EAFNOSUPPORT`, `EPROTONOSUPPORT`, `EEXIST` (it is a socket of this API already)
 * @throws {UnsupportedError} there is no native engine, or the socket has not an option that was asked for
 * @throws {TypeError | RangeError} an option cannot be. Whatever is thrown, the descriptor is then its owner's still
 */
export function fromFd<Web extends WebStreams>(
  context: Context<Web>,
  fd: number,
  options: FromFdOptions,
): SocketOfFd<Web> {
  const provider = requireNative(context, 'fromFd');
  requireKnown(
    requireObject(options, 'options', "an object, such as { ownership: 'take' }"),
    NAMES,
    'options.',
  );
  const { ownership, highWaterMark, writeLimit, options: socketOptions, icmpErrors, ...rest } = options;
  judgeAdoption(rest);
  const plan: AdoptOptions = { ownership, highWaterMark, writeLimit, options: socketOptions, icmpErrors };
  return inFront(context.front, provider.adopt(fd, plan), rest);
}

function inFront<Web extends WebStreams>(
  front: Portside<Web>,
  adopted: Adopted,
  options: Omit<FromFdOptions, keyof AdoptOptions>,
): SocketOfFd<Web> {
  const { readAhead, head, acceptAhead, onError, ...receive } = options;
  switch (adopted.kind) {
    case 'stream':
      return { kind: 'connection', socket: front.adoptStream(adopted.stream, { readAhead, head }) };
    case 'listener': {
      const plan = { readAhead, acceptAhead, onError };
      return { kind: 'server', socket: front.adoptListener(adopted.listener, plan) };
    }
    case 'datagram':
      return { kind: 'datagram', socket: front.adoptDatagram(adopted.datagram, { ...receive, onError }) };
    case 'packet-listener': {
      const plan = { ...receive, acceptAhead, onError };
      return { kind: 'packet-server', socket: front.adoptPacketListener(adopted.listener, plan) };
    }
  }
}
