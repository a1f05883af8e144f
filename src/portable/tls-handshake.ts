/** TLS handshakes over any stream, by Node's own `tls`. */
import { checkServerIdentity, connect, TLSSocket } from 'node:tls';
import type { ConnectionOptions, PeerCertificate, SecureContext, TLSSocketOptions } from 'node:tls';
import { withDeadline } from '../base/deadline.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { ClosedError, SystemError, UnsupportedError } from '../base/errors.ts';
import type { Stream } from '../base/provider.ts';
import type { TlsAttempt, TlsContext, TlsStream, TlsUpgrader } from '../base/tls-upgrader.ts';
import type { ClientContext, NodeTlsContext, ServerContext } from './tls-contexts.ts';
import { contextFor, readTlsPlan, toldName } from './tls-contexts.ts';
import { endedInHandshake, failureOf, toTlsError } from './tls-errors.ts';
import type { Verdict } from './tls-info.ts';
import { tlsInfoOf } from './tls-info.ts';
import { protectedStream } from './tls-stream.ts';
import type { TlsCarrier } from './tls-carrier.ts';
import { borrow } from './lender.ts';
import { NetCarrier } from './tls-net-carrier.ts';
import { DuplexCarrier } from './tls-transport.ts';
import { TlsError } from '../base/errors.ts';

/** As of the portable stream, for the same reason: what is read beyond the chunk in hand stays where it is. */
const HIGH_WATER_MARK = 1;

/** What a server must ask of Node beside its documented interface: Node itself does these two in `tls.Server` only. */
interface ServerInternals {
  /** Lets errors be told as `error`. */
  readonly _releaseControl?: () => boolean;
  /** `verifyError` answers `null` or `undefined` for a certificate that is good. */
  readonly ssl?: { readonly verifyError?: () => (Error & { readonly code?: string }) | null | undefined };
}

function sessionPlace({ sessionKey }: ClientContext, { remote }: Stream): string {
  return `${sessionKey}:${remote.family === 'unix' ? 'unix' : String(remote.port)}`;
}

function startClient(context: ClientContext, { raw, duplex }: TlsCarrier): TLSSocket {
  const { plan, secureContext, name } = context;
  const { sessions } = plan;
  const place = sessionPlace(context, raw);
  const session = sessions?.get(place);
  const told = toldName(name);
  const options: ConnectionOptions & { readonly highWaterMark: number } = {
    socket: duplex,
    secureContext,
    // An address is checked, and not told.
    ...(told === undefined ? {} : { servername: told }),
    checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
      plan.checksName ? checkServerIdentity(name ?? '', certificate) : undefined,
    // Said in so many words, so that no environment variable can say otherwise.
    rejectUnauthorized: plan.checksCertificate,
    highWaterMark: HIGH_WATER_MARK,
    ...(plan.alpn.length === 0 ? {} : { ALPNProtocols: [...plan.alpn] }),
    ...(session === undefined ? {} : { session: Buffer.from(session) }),
  };
  const socket = connect(options);
  if (sessions !== undefined) {
    socket.on('session', (fresh) => {
      sessions.set(place, new Uint8Array(fresh));
    });
    // One with which a handshake failed may be what it failed of.
    if (session !== undefined) {
      const forget = (): void => {
        sessions.delete(place);
      };
      socket.once('error', forget);
      socket.once('secureConnect', () => socket.off('error', forget));
    }
  }
  return socket;
}

function startServer(context: ServerContext, { duplex }: TlsCarrier): TLSSocket {
  const { plan, secureContext } = context;
  const options: TLSSocketOptions & { readonly highWaterMark: number } = {
    isServer: true,
    secureContext,
    requestCert: plan.clientCertificate !== 'none',
    rejectUnauthorized: plan.clientCertificate === 'require',
    highWaterMark: HIGH_WATER_MARK,
    ...(plan.alpn.length === 0 ? {} : { ALPNProtocols: [...plan.alpn] }),
    ...(context.named.size === 0
      ? {}
      : {
          SNICallback: (name: string, done: (error: Error | null, found?: SecureContext) => void) => {
            done(null, contextFor(context, name));
          },
        }),
  };
  const socket = new TLSSocket(duplex, options);
  const { _releaseControl: release } = socket as ServerInternals;
  if (release === undefined) throw new UnsupportedError("this Node's TLS servers cannot be told what to do");
  release.call(socket);
  return socket;
}

/** What was found out of the peer's certificate. */
function verdictOf(context: NodeTlsContext, socket: TLSSocket): Verdict {
  if (context.plan.role === 'client') {
    const error: unknown = socket.authorizationError;
    return {
      role: 'client',
      servername: toldName((context as ClientContext).name),
      isAuthorized: socket.authorized,
      authorizationError:
        error instanceof Error ? error.message : typeof error === 'string' ? error : undefined,
    };
  }
  const servername = Reflect.get(socket, 'servername') as unknown;
  const { clientCertificate } = context.plan;
  const error = clientCertificate === 'none' ? undefined : clientVerdict(socket);
  return {
    role: 'server',
    servername: typeof servername === 'string' ? servername : undefined,
    isAuthorized: clientCertificate !== 'none' && error === undefined,
    authorizationError: error,
  };
}

/** Why the client's certificate is no good; `undefined` if it is. */
function clientVerdict(socket: TLSSocket): string | undefined {
  const { ssl } = socket as ServerInternals;
  if (ssl?.verifyError === undefined)
    throw new UnsupportedError('this Node does not tell of the certificates of clients');
  const error = ssl.verifyError();
  return error === null || error === undefined ? undefined : (error.code ?? error.message);
}

/** @throws {TlsError} the certificate that was demanded is no good */
function requireGood(context: NodeTlsContext, verdict: Verdict, details: ErrorDetails): void {
  const { plan } = context;
  if (plan.role !== 'server' || plan.clientCertificate !== 'require' || verdict.isAuthorized) return;
  const code = verdict.authorizationError ?? 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE';
  throw new TlsError(failureOf(code, 'server'), code, "the client's certificate is no good", details);
}

function carrierOf({ raw, head, clock }: TlsAttempt): TlsCarrier {
  const loan = borrow(raw);
  const carrier = loan === undefined ? new DuplexCarrier(raw) : new NetCarrier(raw, loan, clock);
  if (head !== undefined && head.length > 0) carrier.duplex.unshift(Buffer.from(head));
  return carrier;
}

class Handshake {
  readonly #attempt: TlsAttempt;
  readonly #context: NodeTlsContext;
  readonly #details: ErrorDetails;
  readonly #established: (stream: TlsStream) => void;

  constructor(attempt: TlsAttempt, established: (stream: TlsStream) => void) {
    const { transport, local, remote } = attempt.raw;
    this.#attempt = attempt;
    this.#context = attempt.context as NodeTlsContext;
    this.#details = { op: 'handshake', transport, local, remote };
    this.#established = established;
  }

  async run(): Promise<TlsStream> {
    const { raw, clock, signal, timeout } = this.#attempt;
    if (signal?.aborted === true) {
      raw.abort();
      throw signal.reason;
    }
    const carrier = carrierOf(this.#attempt);
    try {
      const late = (): SystemError => new SystemError('ETIMEDOUT', this.#details);
      return await withDeadline(this.#shake(carrier), { signal, timeout }, clock, late);
    } catch (error) {
      // A failure has said its last, and what it said is sent; who gave up says nothing.
      if (error instanceof TlsError) carrier.finish();
      else carrier.abort();
      throw error;
    }
  }

  #shake(carrier: TlsCarrier): Promise<TlsStream> {
    const { role } = this.#context.plan;
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        reject(error instanceof ClosedError ? error : toTlsError(error, role, this.#details));
      };
      let isOver = false;
      const onEnd = (): void => {
        // What came with the end may tell more, and is told in this turn or in those right behind it.
        setImmediate(() => {
          if (isOver) return;
          fail(carrier.isRecalled ? new ClosedError(this.#details) : endedInHandshake(this.#details));
        });
      };
      // Before anything is begun: of a handshake that cannot begin, the transport tells its end as an error too.
      carrier.duplex.on('error', fail);
      const socket =
        role === 'client'
          ? startClient(this.#context as ClientContext, carrier)
          : startServer(this.#context as ServerContext, carrier);
      carrier.attach(socket, onEnd);
      // Stays: an error may be told twice, by the transport as well.
      socket.on('error', fail);
      socket.once('close', onEnd);
      socket.once(role === 'client' ? 'secureConnect' : 'secure', () => {
        isOver = true;
        try {
          resolve(this.#succeed(carrier, socket));
        } catch (error) {
          socket.destroy();
          fail(error);
        }
      });
    });
  }

  #succeed(carrier: TlsCarrier, socket: TLSSocket): TlsStream {
    const verdict = verdictOf(this.#context, socket);
    requireGood(this.#context, verdict, this.#details);
    const { limits, clock } = this.#attempt;
    const info = tlsInfoOf(socket, verdict);
    const stream = protectedStream({ socket, carrier, limits, clock, info });
    this.#established(stream);
    return stream;
  }
}

class NodeTls implements TlsUpgrader {
  prepare(plan: TlsContext['plan']): TlsContext {
    return readTlsPlan(plan);
  }

  handshake(attempt: TlsAttempt, established: (stream: TlsStream) => void): Promise<TlsStream> {
    return new Handshake(attempt, established).run();
  }
}

/** TLS by Node's own `tls`, for providers that have none of their own: `memoryProvider({ tls: nodeTls })`. */
export const nodeTls: TlsUpgrader = new NodeTls();
