/**
 * What servers send, and how they answer to what the load generator asks: the same in Node, Bun and Deno, and in
 * `bench/load`.
 */

/** Bytes of one write of a server that sends a stream. */
export const BLOCK_SIZE = 64 * 1024;

/** The last byte of a stream; the first of a datagram that asks how many have been read. No other place has it. */
export const END = 0xff;

/**
 * Bytes in a pattern whose period is a prime, so that what is missing or doubled shows.
 *
 * @param {number} size
 * @returns {Uint8Array}
 */
export function pattern(size) {
  return Uint8Array.from({ length: size }, (_, i) => i % 251);
}

/**
 * Counts what a stream has brought.
 *
 * @param {(answer: Uint8Array) => void} answer Is given the count when the stream is over.
 * @returns {(chunk: Uint8Array) => void}
 */
export function streamCounter(answer) {
  let bytes = 0;
  return (chunk) => {
    bytes += chunk.length;
    if (chunk[chunk.length - 1] === END) answer(Buffer.from(`${String(bytes)}\n`));
  };
}

/**
 * Counts datagrams.
 *
 * @returns {(bytes: Uint8Array) => Uint8Array | undefined} Answers what is to be sent back, if it was a question.
 */
export function datagramCounter() {
  let count = 0;
  return (bytes) => {
    if (bytes[0] === END) return Buffer.from(`read ${String(count)}\n`);
    count++;
    return undefined;
  };
}

/** Datagrams that a server sends between two looks at what it was sent. */
export const BURST = 64;

/**
 * A flood of datagrams, from `start PEERS SIZE` of every peer on, until `stop`.
 *
 * @template P
 */
export class Flood {
  /** @type {P[]} */
  #peers = [];
  /** The peers of each burst, in turn. @type {P[]} */
  burst = [];
  payload = pattern(0);
  /** Datagrams sent since the flood began. */
  sent = 0;
  isOn = false;
  #wanted = 0;

  /**
   * @param {Uint8Array} bytes
   * @param {P} peer Who sent them.
   * @returns {Uint8Array | undefined} What is to be sent back.
   */
  hear(bytes, peer) {
    const [word, peers, size] = Buffer.from(bytes).toString().split(' ');
    if (word === 'stop') {
      this.isOn = false;
      return Buffer.from(`sent ${String(this.sent)}\n`);
    }
    if (word !== 'start') throw new Error(`"${String(word)}" is no command`);
    if (this.#peers.length === this.#wanted) this.#reset(Number(peers), Number(size));
    this.#peers.push(peer);
    this.isOn = this.#peers.length === this.#wanted;
    if (this.isOn) {
      this.burst = Array.from({ length: BURST }, (_, i) => /** @type {P} */ (this.#peers[i % this.#wanted]));
    }
    return undefined;
  }

  /**
   * @param {number} peers
   * @param {number} size
   */
  #reset(peers, size) {
    this.#peers = [];
    this.#wanted = peers;
    this.payload = pattern(size);
    this.sent = 0;
  }
}
