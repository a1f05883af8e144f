/** TLS on a socket of Node's own. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import type { Stream } from '../base/provider.ts';
import { flushAndDestroy } from './end-socket.ts';
import type { Loan } from './lender.ts';
import { ignoreBytes, startReading, stopReading, wantsBytes } from './net-handle.ts';
import type { TlsCarrier } from './tls-carrier.ts';
import { FAREWELL } from './tls-carrier.ts';

const NO_BYTES = new Uint8Array(0);

export class NetCarrier implements TlsCarrier {
  readonly raw: Stream;
  readonly duplex: Socket;
  readonly #loan: Loan;
  readonly #clock: Clock;
  #upper: TLSSocket | undefined;
  #hasEnded = false;
  #isClosed = false;
  #isTruncated = false;

  constructor(raw: Stream, loan: Loan, clock: Clock) {
    this.raw = raw;
    this.duplex = loan.socket;
    this.#loan = loan;
    this.#clock = clock;
    // Whoever speaks TLS hears of it too; there may be nobody yet, or no more.
    this.duplex.on('error', () => undefined);
    this.duplex.once('close', () => {
      this.#isClosed = true;
    });
    // An end that was met already will be met again: the one who is to come has not heard of it.
    if (wantsBytes(this.duplex)) startReading(this.duplex);
  }

  get isRecalled(): boolean {
    return this.#loan.isRecalled();
  }

  get isTruncated(): boolean {
    return this.#isTruncated;
  }

  attach(socket: TLSSocket, onEnd: () => void): void {
    this.#upper = socket;
    const push = socket.push.bind(socket);
    socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk === null && !this.#hasEnded) {
        this.#ended(socket);
        onEnd();
      }
      return push(chunk, encoding);
    };
    const destroy = socket._destroy.bind(socket);
    socket._destroy = (error, done): void => {
      done(error);
      ignoreBytes(socket);
      this.#sayFarewell(() => {
        destroy(error, () => undefined);
      });
    };
  }

  explainEnd(done: (error: Error | null) => void): void {
    // An empty write sends nothing, and fails with what the connection has met; but also if the writing half has ended.
    if (this.#upper?.writableEnded === true) done(null);
    else
      this.duplex.write(NO_BYTES, (error) => {
        done(error ?? null);
      });
  }

  finish(): void {
    if (this.#upper === undefined) this.duplex.destroy();
    else this.#upper.destroy();
  }

  abort(): void {
    this.#loan.abort(this.#upper);
    this.#upper?.destroy();
  }

  /**
   * Node tells the peer's `close_notify` and its FIN alike. But libuv has stopped reading when it tells of a FIN
   * (uv__stream_eof in src/unix/stream.c), and of none to who is not reading.
   */
  #ended(socket: TLSSocket): void {
    this.#hasEnded = true;
    const wasReading = wantsBytes(socket);
    this.#isTruncated = !startReading(this.duplex) && wasReading;
    // What is behind a `close_notify` is nobody's, and there may be no end of it.
    stopReading(this.duplex);
  }

  /** Node's `destroy` closes at once, and a close over bytes that nobody has read is a reset, which can overtake an alert. */
  #sayFarewell(close: () => void): void {
    const { duplex } = this;
    if (this.#isClosed) {
      // An error comes before.
      process.nextTick(close);
      return;
    }
    // Not before: without a socket Node lets go of OpenSSL at once, and this may be called from within OpenSSL.
    duplex.once('close', close);
    if (duplex.destroyed) return;
    const disarm = this.#clock.setTimer(FAREWELL, () => duplex.destroy());
    duplex.once('close', disarm);
    startReading(duplex);
    flushAndDestroy(duplex);
  }
}
