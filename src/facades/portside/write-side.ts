/** The writing direction of a connection: what may be written, and when more may be. */
import { isBytes, requireBytes } from '../../base/bytes.ts';
import { withDeadline } from '../../base/deadline.ts';
import type { ErrorDetails } from '../../base/errors.ts';
import { SystemError } from '../../base/errors.ts';
import type { Stream, WriteDone } from '../../base/provider.ts';
import { wrongType } from '../../base/rules.ts';
import type { DeadlinePlan } from '../../base/validate.ts';
import type { Platform } from './platform.ts';
import type { WebStreams } from './web-streams.ts';

export const NOTHING: Uint8Array = new Uint8Array(0);
const FOREVER: DeadlinePlan = { signal: undefined, timeout: undefined };

/** Several pieces as one; a single one as it is. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const [first, second] = parts;
  if (first !== undefined && second === undefined) return first;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export class WriteSide {
  readonly #stream: Stream;
  readonly #platform: Pick<Platform<WebStreams>, 'clock' | 'encode'>;
  readonly #details: (op: string) => ErrorDetails;
  #waiting = 0;

  constructor(
    stream: Stream,
    platform: Pick<Platform<WebStreams>, 'clock' | 'encode'>,
    details: (op: string) => ErrorDetails,
  ) {
    this.#stream = stream;
    this.#platform = platform;
    this.#details = details;
  }

  /** Calls that wait for the kernel. */
  get waiting(): number {
    return this.#waiting;
  }

  /** What was given to `write`, in one piece: all of it is taken, or nothing. @throws {TypeError} */
  bytesOf(data: unknown): Uint8Array {
    if (Array.isArray(data)) return join(data.map((part: unknown) => this.#partOf(part)));
    return this.#partOf(data);
  }

  /** Settles at once while there is room, and else when the kernel has taken `bytes`. */
  async write(bytes: Uint8Array, plan: DeadlinePlan): Promise<void> {
    let settle: WriteDone | undefined;
    // What fails after the answer is told to the next call, which finds the connection broken.
    if (this.#stream.write(bytes, (error) => settle?.(error))) return;
    await this.#taken('write', plan, (done) => {
      settle = done;
    });
  }

  /** Settles when the kernel has taken all that was written: an empty write is done when all before it is. */
  async flush(op: string, plan: DeadlinePlan): Promise<void> {
    await this.#taken(op, plan, (done) => {
      this.#stream.write(NOTHING, done);
    });
  }

  /** Ends writing at once, and settles as `flush` does. */
  async end(): Promise<void> {
    let settle: WriteDone | undefined;
    this.#stream.write(NOTHING, (error) => settle?.(error));
    this.#stream.closeWrite();
    await this.#taken('closeWrite', FOREVER, (done) => {
      settle = done;
    });
  }

  /** @throws {SystemError} `ETIMEDOUT` @throws the signal's reason */
  inTime(work: Promise<void>, op: string, plan: DeadlinePlan): Promise<void> {
    return withDeadline(
      work,
      plan,
      this.#platform.clock,
      () => new SystemError('ETIMEDOUT', this.#details(op)),
    );
  }

  /** Waits for the `done` that `arm` is given. */
  async #taken(op: string, plan: DeadlinePlan, arm: (done: WriteDone) => void): Promise<void> {
    this.#waiting++;
    try {
      const work = new Promise<void>((resolve, reject) => {
        arm((error) => {
          if (error === null) resolve();
          else reject(error);
        });
      });
      await this.inTime(work, op, plan);
    } finally {
      this.#waiting--;
    }
  }

  #partOf(data: unknown): Uint8Array {
    if (typeof data === 'string') return this.#platform.encode(data);
    if (!isBytes(data)) throw wrongType('data', 'a Uint8Array, text, or an array of these', data);
    return requireBytes(data, 'data');
  }
}
