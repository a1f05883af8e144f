/** Descriptors as sockets of the promise API. */
import type { SocketOptions } from '../base/options.ts';
import type { WriteLimits } from '../base/provider.ts';
import { requireKnown, requireObject } from '../base/rules.ts';
import type { Ownership } from '../engine/adopt.ts';
import type {
  AdoptListenerOptions,
  AdoptStreamOptions,
  Connection,
  Server,
} from '../facades/portside/types.ts';
import type { WebStreams } from '../facades/portside/web-streams.ts';
import type { Context } from './context.ts';
import { requireNative } from './context.ts';

export interface FromFdOptions
  extends WriteLimits, AdoptListenerOptions, Pick<AdoptStreamOptions, 'head' | 'readAhead'> {
  /**
   * `take`: the descriptor is the socket's from now on, and nobody else may close it. `borrow`: the socket works on a duplicate,
   * and the descriptor stays its owner's to close.
   */
  readonly ownership: Ownership;
  /** Socket options: of a server, set on every accepted connection. */
  readonly options?: Partial<SocketOptions> | undefined;
}

/** What may be said of sockets of descriptors of which nothing else is known. */
export const SOCKET_OPTIONS: Readonly<Record<Exclude<keyof FromFdOptions, 'head' | 'ownership'>, true>> = {
  ...{ options: true, highWaterMark: true, writeLimit: true },
  ...{ readAhead: true, acceptAhead: true, onError: true },
};
const NAMES: Readonly<Record<keyof FromFdOptions, true>> = { ...SOCKET_OPTIONS, ownership: true, head: true };

/** What a descriptor turned out to be. */
export type SocketOfFd<Web extends WebStreams> =
  | { readonly kind: 'connection'; readonly socket: Connection<Web> }
  | { readonly kind: 'server'; readonly socket: Server<Connection<Web>> };

/**
 * Makes a socket of a descriptor that is there already: inherited, received, or another library's. What it is is asked of the
 * system. It is made close-on-exec and, for everybody who shares it, non-blocking.
 *
 * @throws {SystemError} `EBADF`, `ENOTSOCK`, `ENOTCONN` (neither connected nor listening), `ESOCKTNOSUPPORT`,
 *   `EAFNOSUPPORT`, `EEXIST` (it is a socket of this API already); the descriptor is then its owner's still
 * @throws {UnsupportedError} there is no native engine, or the socket has not an option that was asked for
 */
export function fromFd<Web extends WebStreams>(
  context: Context<Web>,
  fd: number,
  options: FromFdOptions,
): SocketOfFd<Web> {
  const provider = requireNative(context, 'fromFd');
  requireKnown(requireObject(options, 'options'), NAMES, 'options.');
  const { ownership, highWaterMark, writeLimit, options: socketOptions, ...rest } = options;
  const adopted = provider.adopt(fd, { ownership, highWaterMark, writeLimit, options: socketOptions });
  const { readAhead, head, acceptAhead, onError } = rest;
  const { front } = context;
  try {
    return adopted.kind === 'stream'
      ? { kind: 'connection', socket: front.adoptStream(adopted.stream, { readAhead, head }) }
      : {
          kind: 'server',
          socket: front.adoptListener(adopted.listener, { readAhead, acceptAhead, onError }),
        };
  } catch (error) {
    (adopted.kind === 'stream' ? adopted.stream : adopted.listener).abort();
    throw error;
  }
}
