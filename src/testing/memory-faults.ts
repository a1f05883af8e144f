import type { Rules } from '../base/rules.ts';
import { integer, readOptions, requireObject, withDefault } from '../base/rules.ts';

/** The calls of the system that can be made to fail. */
export type FaultyCall =
  'accept' | 'bind' | 'connect' | 'listen' | 'read' | 'receive' | 'resolve' | 'send' | 'write';

export interface FaultOptions {
  /** How many calls fail. Default 1. */
  readonly times?: number | undefined;
  /** How many calls succeed before. Default 0. */
  readonly after?: number | undefined;
}

interface Fault {
  readonly code: string;
  after: number;
  times: number;
}

const count = integer(0, 2 ** 31 - 1);
const FAULT: Rules<Pick<Fault, 'after' | 'times'>> = {
  after: withDefault(count, 0),
  times: withDefault(count, 1),
};

/** Codes after which a call is simply made again. */
const AGAIN: ReadonlySet<string> = new Set(['EAGAIN', 'EINTR', 'EWOULDBLOCK']);

/**
 * Makes the calls of a memory network fail, or do less than they could. `read` and `write` are those of streams, `receive`
 * and `send` those of message sockets.
 *
 * @example
 * provider.faults.fail('accept', 'EMFILE', { times: 2 });
 * provider.faults.limit('write', 1);   // one byte a call
 */
export class MemoryFaults {
  readonly #faults = new Map<FaultyCall, Fault[]>();
  readonly #limits = new Map<'read' | 'write', number>();
  #met = 0;

  /** How many faults were met so far: a test that plants one can show that it was met. */
  get met(): number {
    return this.#met;
  }

  /** Lets calls fail with `code`, after those of earlier `fail`s. `EINTR` and `EAGAIN` are met and tried again. */
  fail(call: FaultyCall, code: string, options: FaultOptions = {}): void {
    const list = this.#faults.get(call) ?? [];
    list.push({ code, ...readOptions(requireObject(options, 'options'), FAULT) });
    this.#faults.set(call, list);
  }

  /** Lets each read or write move at most `bytes`; `Infinity` lifts that again. @throws {RangeError} `bytes` is below 1 */
  limit(call: 'read' | 'write', bytes: number): void {
    if (!(bytes >= 1)) throw new RangeError(`a call moves at least one byte, not ${String(bytes)}`);
    this.#limits.set(call, bytes);
  }

  /** The most bytes that a call may move. */
  most(call: 'read' | 'write'): number {
    return this.#limits.get(call) ?? Number.POSITIVE_INFINITY;
  }

  /** The code with which this call must fail, or `null`. */
  meet(call: FaultyCall): string | null {
    const list = this.#faults.get(call);
    const fault = list?.[0];
    if (list === undefined || fault === undefined) return null;
    if (fault.after > 0) {
      fault.after -= 1;
      return null;
    }
    fault.times -= 1;
    this.#met += 1;
    if (fault.times <= 0) list.shift();
    return fault.code;
  }

  /** Whether a code means no more than: try again. */
  static isAgain(code: string): boolean {
    return AGAIN.has(code);
  }
}
