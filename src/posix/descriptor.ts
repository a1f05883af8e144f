/** Descriptors that came with a message. */
import { fstatSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { systemError } from '../addon/system-errors.ts';
import { ClosedError } from '../base/errors.ts';
import { anyId, expectClose, forgetClose } from './leaks.ts';
import type { Socket } from './socket.ts';
import { getSpace } from './space.ts';

/** What a descriptor is open on. Those of processes, epoll, timers and the like are `other`. */
export type DescriptorKind = 'socket' | 'file' | 'directory' | 'pipe' | 'character' | 'block' | 'other';

const KINDS: readonly (readonly [DescriptorKind, (stats: Stats) => boolean])[] = [
  ['socket', (stats) => stats.isSocket()],
  ['file', (stats) => stats.isFile()],
  ['directory', (stats) => stats.isDirectory()],
  ['pipe', (stats) => stats.isFIFO()],
  ['character', (stats) => stats.isCharacterDevice()],
  ['block', (stats) => stats.isBlockDevice()],
];

/** What those who may make descriptors have. It is not exported from the package. */
export const OWN: unique symbol = Symbol('own');

let takeAsSocket: ((fd: number) => Socket) | undefined;

/** Says how a descriptor becomes a socket: what makes sockets cannot be imported here, for it imports this. */
export function setSocketMaker(make: (fd: number) => Socket): void {
  takeAsSocket = make;
}

/**
 * A descriptor that was received, close-on-exec from the start. It is its owner's to close, or to hand on; one that is
 * collected without that is closed then, with one warning.
 *
 * @see unix(7), SCM_RIGHTS
 */
export class Descriptor {
  readonly #id: number;
  #isClosed = false;
  #kind: DescriptorKind | undefined;

  /**
   * For this library's own use: whoever could name any id could close any socket.
   *
   * @param id of the native sockets of this thread
   * @throws {TypeError} anybody else has called it
   */
  constructor(id: number, key: symbol) {
    if (key !== OWN) throw new TypeError('a Descriptor is made by receiving one');
    this.#id = anyId(id, 'id');
    expectClose(this, 'a received descriptor', id);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * The descriptor's number, lent: it stays this object's, and is good until it is closed.
   *
   * @throws {ClosedError}
   */
  get fd(): number {
    return this.#require('fd');
  }

  /** What it is open on. @throws {ClosedError} @see fstat(2) */
  get kind(): DescriptorKind {
    const fd = this.#require('kind');
    if (this.#kind === undefined) {
      const stats = fstatSync(fd);
      this.#kind = KINDS.find(([, is]) => is(stats))?.[0] ?? 'other';
    }
    return this.#kind;
  }

  /** Gives it up without closing it: the number is the caller's now. @throws {ClosedError} */
  detach(): number {
    const fd = this.#require('detach');
    this.#release();
    return fd;
  }

  /**
   * Makes a socket of it, which owns it from then on. If that fails it stays this object's.
   *
   * @throws {SystemError} ENOTSOCK: it is none
   * @throws {ClosedError}
   */
  toSocket(): Socket {
    const fd = this.#require('toSocket');
    if (takeAsSocket === undefined)
      throw new Error('nothing makes sockets here: src/posix/socket.ts is not loaded');
    const socket = takeAsSocket(fd);
    this.#release();
    return socket;
  }

  /** Closes it. Again: nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    forgetClose(this);
    getSpace().native.close(this.#id);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #require(op: string): number {
    if (this.#isClosed) throw new ClosedError({ op });
    const fd = getSpace().native.descriptor(this.#id);
    if (fd < 0) throw systemError(fd, 'fcntl', { op });
    return fd;
  }

  #release(): void {
    this.#isClosed = true;
    forgetClose(this);
    getSpace().native.release(this.#id);
  }
}
