/** Received datagrams, by promises, and no more of them than a bound. */
import type { ReceivedDatagram } from '../../base/provider.ts';
import { tightBuffer } from './bytes-argument.ts';
import type { IOError } from './io-error.ts';

/** Whose address: `host` is another word for `address`. */
export interface UdpAddress {
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** 1 for IPv4, 2 for IPv6. */
  readonly family: number;
}

/** A pair, as the newer code takes it apart, that also has names for the older. */
export type UdpMessage = readonly [data: ArrayBuffer, from: UdpAddress] & {
  readonly data: ArrayBuffer;
  readonly from: UdpAddress;
};

/** Datagrams, and bytes, that wait for a reader; what comes beyond is dropped, and counted. */
export const MAX_WAITING: { readonly count: number; readonly bytes: number } = {
  count: 1024,
  bytes: 1024 * 1024,
};

type Result = IteratorResult<UdpMessage, undefined>;

interface Waiting {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: IOError) => void;
}

const OVER: Result = { done: true, value: undefined };

export function udpAddress(host: string, port: number, family: number): UdpAddress {
  return { address: host, host, port, family };
}

/** The iterator that `messages()` answers. Leaving its loop closes the socket. */
export class UdpMessages implements AsyncIterableIterator<UdpMessage, undefined> {
  readonly #close: () => Promise<void>;
  readonly #messages: UdpMessage[] = [];
  readonly #waiting: Waiting[] = [];
  #bytes = 0;
  #dropped = 0;
  #isOver = false;
  #failure: IOError | undefined;

  constructor(close: () => Promise<void>) {
    this.#close = close;
  }

  get dropped(): number {
    return this.#dropped;
  }

  next(): Promise<Result> {
    const message = this.#messages.shift();
    if (message !== undefined) {
      this.#bytes -= message.data.byteLength;
      return Promise.resolve({ done: false, value: message });
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) return Promise.reject(failure);
    if (this.#isOver) return Promise.resolve(OVER);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  async return(): Promise<Result> {
    await this.#close();
    return OVER;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  push({ bytes, remote }: ReceivedDatagram): void {
    if (remote.family === 'unix') return;
    const family = remote.family === 'ipv4' ? 1 : 2;
    const data = tightBuffer(bytes);
    const from = udpAddress(remote.host, remote.port, family);
    const message = Object.assign([data, from] as const, { data, from });
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ done: false, value: message });
      return;
    }
    const isFull =
      this.#messages.length >= MAX_WAITING.count || this.#bytes + data.byteLength > MAX_WAITING.bytes;
    if (isFull) {
      this.#dropped++;
      return;
    }
    this.#messages.push(message);
    this.#bytes += data.byteLength;
  }

  /** Nothing more comes. What has come can be read, unless it was closed here. */
  end(failure: IOError | undefined, isClosedHere: boolean): void {
    this.#isOver = true;
    if (isClosedHere) {
      this.#messages.length = 0;
      this.#bytes = 0;
    }
    const waiting = this.#waiting.splice(0);
    if (failure !== undefined) {
      const first = waiting.shift();
      if (first === undefined) this.#failure = failure;
      else first.reject(failure);
    }
    for (const { resolve } of waiting) resolve(OVER);
  }
}
