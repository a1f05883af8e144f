/**
 * What a UDP socket of `node:dgram` was given to send: one datagram at a time is with Node, so that they go out in order
 * also when one has to be sent again.
 */
import type { Socket } from 'node:dgram';
import type { IpEndpoint } from '../base/address.ts';
import type { WriteDone } from '../base/provider.ts';
import { MESSAGE_OVERHEAD } from '../base/provider.ts';
import { hostText } from './node-address.ts';
import { isNodeError } from './node-errors.ts';

/** One datagram that is not yet with the kernel. */
export interface UnsentDatagram {
  /** The socket's own copy. */
  readonly bytes: Uint8Array;
  readonly to: IpEndpoint | undefined;
  readonly done: WriteDone | undefined;
}

/**
 * What the network has said of an earlier datagram: the kernel answers it once to whatever call comes next, and does not
 * do that call (udp(7), ip(7)).
 */
const REPORTS: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOPROTOOPT',
  'EPROTO',
]);

/** Whether an error may be such a report. */
export function isReport(error: unknown): boolean {
  return isNodeError(error) && REPORTS.has(error.code);
}

/** Datagrams sent in a row before the loop has its turn: Node answers each from a microtask's place, ahead of all events. */
const IN_A_ROW = 64;

export class DatagramOutbox {
  readonly #socket: Socket;
  readonly #sent: (datagram: UnsentDatagram, error: Error | null) => void;
  readonly #emptied: () => void;
  #unsent: UnsentDatagram[] = [];
  /** Where those begin that are unsent: to shift a long array would move all of it. */
  #first = 0;
  #amount = 0;
  #isSending = false;
  #inARow = 0;

  /**
   * @param sent told of each datagram how it ended, in order
   * @param emptied told when nothing is left, after that
   */
  constructor(
    socket: Socket,
    sent: (datagram: UnsentDatagram, error: Error | null) => void,
    emptied: () => void,
  ) {
    this.#socket = socket;
    this.#sent = sent;
    this.#emptied = emptied;
  }

  /** What is unsent, as the contract counts it. */
  get amount(): number {
    return this.#amount;
  }

  get isEmpty(): boolean {
    return this.#first === this.#unsent.length;
  }

  add(datagram: UnsentDatagram): void {
    this.#unsent.push(datagram);
    this.#amount += datagram.bytes.length + MESSAGE_OVERHEAD;
    if (!this.#isSending) this.#sendNext();
  }

  /** Forgets what is left. @returns it, in order */
  drop(): readonly UnsentDatagram[] {
    const dropped = this.#unsent.slice(this.#first);
    this.#unsent = [];
    this.#first = 0;
    this.#amount = 0;
    return dropped;
  }

  #sendNext(): void {
    const next = this.#unsent[this.#first];
    this.#isSending = next !== undefined;
    if (next !== undefined) this.#send(next, false);
  }

  #send(datagram: UnsentDatagram, isAgain: boolean): void {
    const { bytes, to } = datagram;
    const answered = (error: Error | null): void => {
      // Dropped meanwhile.
      if (this.#unsent[this.#first] !== datagram) return;
      if (error !== null && !isAgain && isReport(error)) this.#send(datagram, true);
      else this.#answered(datagram, error);
    };
    try {
      if (to === undefined) this.#socket.send(bytes, answered);
      else this.#socket.send(bytes, to.port, hostText(to), answered);
    } catch (error) {
      process.nextTick(answered, error);
    }
  }

  #answered(datagram: UnsentDatagram, error: Error | null): void {
    this.#first += 1;
    if (this.#first > 1024) {
      this.#unsent = this.#unsent.slice(this.#first);
      this.#first = 0;
    }
    this.#amount -= datagram.bytes.length + MESSAGE_OVERHEAD;
    this.#sent(datagram, error);
    if (this.isEmpty) this.#emptied();
    this.#goOn();
  }

  #goOn(): void {
    this.#inARow += 1;
    if (this.#inARow < IN_A_ROW) {
      this.#sendNext();
      return;
    }
    this.#inARow = 0;
    setImmediate(() => {
      this.#sendNext();
    });
  }
}
