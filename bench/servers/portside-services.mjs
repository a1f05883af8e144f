/** What servers over Portside's streams do, in the clear and with TLS. */
import { BrokenError } from '../../dist/base/errors.js';
import { BLOCK_SIZE, pattern, streamCounter } from './payload.mjs';

/** @typedef {import('../../src/base/provider.ts').Stream} Stream */

/** One per stream, so that no function is made per connection. */
class Service {
  /** @param {Stream} stream */
  constructor(stream) {
    this.stream = stream;
  }
  /** When both directions have ended, the stream closes itself. */
  end() {
    this.stream.closeWrite();
  }
  close() {
    // A load generator that is gone is noticed by the load generator.
  }
}

export class Echo extends Service {
  /** @param {Uint8Array} chunk */
  data(chunk) {
    this.stream.write(chunk);
  }
}

export class Sink extends Service {
  /** @param {Stream} stream */
  constructor(stream) {
    super(stream);
    this.data = streamCounter((answer) => stream.write(answer));
  }
}

const BLOCK = pattern(BLOCK_SIZE);

export class Source extends Service {
  isOver = false;
  data() {
    this.drain();
  }
  drain() {
    try {
      while (!this.isOver && this.stream.write(BLOCK));
    } catch (error) {
      // The load generator has left, which `close` tells behind what it has sent.
      if (!(error instanceof BrokenError)) throw error;
      this.isOver = true;
    }
  }
  /** @override */
  end() {
    this.isOver = true;
    super.end();
  }
  /** @override */
  close() {
    this.isOver = true;
  }
}

export const PORTSIDE_SERVICES = { echo: Echo, sink: Sink, source: Source };
