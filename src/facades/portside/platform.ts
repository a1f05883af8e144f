/** What the promise API needs of the place in which it runs. */
import type { Clock } from '../../base/clock.ts';
import type { ByteSink, ByteSource, WebStreams } from './web-streams.ts';

/** Calls whose course is published. */
export type TracedCall = 'bind' | 'connect' | 'listen' | 'resolve' | 'upgrade';

/** Where what happens to sockets is published. Nothing is made for it where nobody listens. */
export interface Diagnostics {
  /** Runs a call, and tells how it goes. */
  trace<T>(call: TracedCall, message: () => object, run: () => Promise<T>): Promise<T>;
  opened(message: () => object): void;
  closed(message: () => object): void;
}

export interface Platform<Web extends WebStreams> {
  readonly clock: Clock;
  /** Text as UTF-8; half surrogate pairs become U+FFFD. */
  encode(text: string): Uint8Array;
  /** UTF-8 as text. @throws what is not UTF-8, if it is to be `fatal`; it is U+FFFD otherwise */
  decode(bytes: Uint8Array, isFatal: boolean): string;
  /** A readable byte stream that asks `source` only when its reader asks. */
  readable(source: ByteSource): Web['readable'];
  writable(sink: ByteSink): Web['writable'];
  /** Tells of something that nobody else was asked to hear. */
  warn(text: string): void;
  /** The same function, for whenever it may be called, in the asynchronous context of now. */
  inContext<A extends unknown[]>(callback: (...args: A) => void): (...args: A) => void;
  readonly diagnostics: Diagnostics | undefined;
  /** Whether it is to be remembered where each socket was opened. */
  recordsStacks(): boolean;
}

/** Runs a call, and has its course published, if there is a place for that. */
export function traced<T>(
  { diagnostics }: Pick<Platform<WebStreams>, 'diagnostics'>,
  call: TracedCall,
  message: () => object,
  run: () => Promise<T>,
): Promise<T> {
  return diagnostics === undefined ? run() : diagnostics.trace(call, message, run);
}
