/** A stream of the contract over any Duplex of Node's. */
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { SocketAddress } from '../base/address.ts';
import { UnsupportedError } from '../base/errors.ts';
import type { SocketOptions } from '../base/options.ts';
import type { Stream } from '../base/provider.ts';
import { TlsHost } from '../base/tls-host.ts';
import type { TlsInfo } from '../base/tls.ts';
import type { StreamLimits } from '../base/validate.ts';
import { localOf, remoteOf, unixEndpoint } from './node-address.ts';
import { realClock } from './node-clock.ts';
import type { Owner } from './owner.ts';
import { PortableStream } from './portable-stream.ts';
import type { OptionTable } from './remembered-options.ts';
import { RememberedOptions, requireSettable } from './remembered-options.ts';
import { isTlsLibraryError, toTlsError } from './tls-errors.ts';
import { nodeTls } from './tls-handshake.ts';
import { tlsInfoOf } from './tls-info.ts';

type Callback = (error?: Error | null) => void;

/** What a socket of `node:net` can do and not every Duplex. */
type Inner = Duplex & Partial<Pick<Socket, 'ref' | 'unref'>>;

/** A Duplex that behaves like a socket of `node:net`: half open, small, and told of its close in any case. */
class Bridge extends Duplex {
  readonly #inner: Inner;
  #failure: Error | undefined;

  /** @param word what an error is, in words of ours */
  constructor(inner: Inner, word: (error: Error) => Error) {
    super({ allowHalfOpen: true, readableHighWaterMark: 1 });
    this.#inner = inner;
    inner.allowHalfOpen = true;
    // A Duplex may tell within the very call that has asked.
    inner.on('data', (chunk: Uint8Array) => {
      inner.pause();
      process.nextTick(() => {
        if (this.push(chunk)) inner.resume();
      });
    });
    inner.on('end', () => {
      process.nextTick(() => {
        this.push(null);
      });
    });
    inner.on('error', (error: Error) => {
      this.#fail(word(error));
    });
    inner.on('close', () => {
      if (inner.readableEnded) this.destroy();
      else this.#fail(word(new Error('what is below was destroyed')));
    });
  }

  override read(size?: number): unknown {
    const chunk: unknown = super.read(size);
    this.#tellFailure();
    return chunk;
  }

  /** What came before is read first, also what a stream that has failed tells no more, but gives. */
  #fail(failure: Error): void {
    if (this.#failure !== undefined) return;
    process.nextTick(() => {
      this.#failure = failure;
      for (let chunk: unknown = this.#inner.read(); chunk instanceof Uint8Array; chunk = this.#inner.read())
        this.push(chunk);
      this.#tellFailure();
    });
  }

  #tellFailure(): void {
    const failure = this.#failure;
    if (failure === undefined || this.readableLength > 0) return;
    process.nextTick(() => {
      this.destroy(failure);
    });
  }

  ref(): this {
    this.#inner.ref?.();
    return this;
  }

  unref(): this {
    this.#inner.unref?.();
    return this;
  }

  resetAndDestroy(): this {
    return this.destroy();
  }

  override _read(): void {
    this.#inner.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Callback): void {
    // Of nothing not every Duplex tells that it was written.
    if (chunk.length === 0) process.nextTick(done);
    else this.#inner.write(chunk, done);
  }

  override _final(done: Callback): void {
    if (this.#inner.writableEnded) done();
    else this.#inner.end(done);
  }

  override _destroy(error: Error | null, done: Callback): void {
    this.#inner.destroy();
    done(error);
  }
}

/** A Duplex has options only where it is a socket of Node's. */
const NO_OPTIONS: OptionTable = {
  get: () => {
    throw new UnsupportedError('a Duplex has no socket options');
  },
  set: () => {
    throw new UnsupportedError('a Duplex has no socket options');
  },
};

/** No provider has a socket with such a number. */
let lastId = 0;

/** Nobody shows these streams, or ends them with others. */
function ownerOf(isProtected: boolean): Owner {
  return {
    clock: realClock,
    nextId: () => --lastId,
    opened: () => undefined,
    hold: () => undefined,
    closed: () => undefined,
    over: () => undefined,
    replace: () => undefined,
    tls: isProtected ? undefined : new TlsHost(nodeTls, realClock),
  };
}

class DuplexStream extends PortableStream {
  readonly #info: TlsInfo | undefined;

  constructor(
    socket: Socket,
    setting: ConstructorParameters<typeof PortableStream>[1],
    info: TlsInfo | undefined,
  ) {
    super(socket, setting);
    this.#info = info;
  }

  override get tls(): TlsInfo | undefined {
    return this.#info;
  }
}

function endsOf(duplex: Duplex): { readonly local: SocketAddress; readonly remote: SocketAddress } {
  if (duplex instanceof Socket && duplex.remoteAddress !== undefined)
    return { local: localOf(duplex), remote: remoteOf(duplex) };
  return { local: unixEndpoint(''), remote: unixEndpoint('') };
}

/** @param socket whose handshake is over */
function infoOf(socket: TLSSocket): TlsInfo {
  // Only a client has one (tls.TLSSocket, getEphemeralKeyInfo).
  const role = socket.getEphemeralKeyInfo() === null ? 'server' : 'client';
  const name: unknown = Reflect.get(socket, 'servername');
  const error: unknown = socket.authorizationError;
  return tlsInfoOf(socket, {
    role,
    servername: typeof name === 'string' ? name : undefined,
    isAuthorized: socket.authorized,
    authorizationError:
      error instanceof Error ? error.message : typeof error === 'string' ? error : undefined,
  });
}

/** Judges options before anything is done. @throws {UnsupportedError | SystemError} it has not one that was asked for */
export function requireDuplexOptions(duplex: Duplex, options: Partial<SocketOptions>): void {
  const transport = endsOf(duplex).remote.family === 'unix' ? 'unix' : 'tcp';
  if (duplex instanceof Socket) requireSettable(options, transport);
  else if (Object.keys(options).length > 0) throw new UnsupportedError('a Duplex has no socket options');
}

/**
 * Makes a stream of a Duplex that nobody else reads from or writes to any more: of bytes, connected, paused, and, if it speaks
 * TLS, with its handshake over. It has a number below 0, and belongs to no provider.
 *
 * Of what a TLS socket tells as its end it is not known whether the peer has said it, or has only closed the connection.
 *
 * @param setting `options` that `requireDuplexOptions` has passed
 */
export function streamOfDuplex(
  duplex: Duplex,
  { limits, options }: { readonly limits: StreamLimits; readonly options: Partial<SocketOptions> },
): Stream {
  const info = duplex instanceof TLSSocket ? infoOf(duplex) : undefined;
  const ends = endsOf(duplex);
  const transport = ends.remote.family === 'unix' ? 'unix' : 'tcp';
  const isSocket = duplex instanceof Socket;
  const word = (error: Error): Error =>
    info !== undefined && isTlsLibraryError(error)
      ? toTlsError(error, info.role, { transport, ...ends })
      : error;
  const isPlain = isSocket && info === undefined;
  if (isPlain) duplex.allowHalfOpen = true;
  const socket = isPlain ? duplex : (new Bridge(duplex, word).pause() as unknown as Socket);
  const stream = new DuplexStream(
    socket,
    {
      ...{ owner: ownerOf(info !== undefined), transport, ...ends, limits },
      options: isSocket ? new RememberedOptions(duplex, transport) : NO_OPTIONS,
    },
    info,
  );
  stream.setAll(options);
  return stream;
}
