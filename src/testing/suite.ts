/**
 * What a conformance suite is made of: cases that know no test runner, and assertions that need neither Node nor a DOM.
 *
 * A suite is a list of `SuiteCase`s. Give them to any runner: a case passes when its promise fulfils. Skip a case when the
 * provider's `capabilities` lack one of its `needs`.
 */
import type { AbortSignalLike } from '../base/abort.ts';
import { isSocketError, type SocketError } from '../base/errors.ts';
import type { SocketOptions } from '../base/options.ts';
import type { Capability, SocketProvider, Stream, WriteLimits } from '../base/provider.ts';
import { requireKnown, requireObject } from '../base/rules.ts';
import type { PromiseId } from './promises.ts';

/** One thing that every provider must do. */
export interface SuiteCase {
  readonly name: string;
  /** The case can only pass where all of these are there. */
  readonly needs: readonly Capability[];
  /** The sentences of the contract that it holds the provider to. */
  readonly promises: readonly PromiseId[];
  /**
   * Fulfils when the provider kept its promises, and rejects otherwise. Each call makes everything anew.
   *
   * @param signal gives the case up when it aborts, and closes what it has open: for a runner whose patience has ended
   */
  run(signal?: AbortSignalLike): Promise<void>;
}

/** What a suite can do only with the help of the place where it runs. What is left out leaves out the cases that need it. */
export interface SuiteOptions {
  /** Share of the usual number of bytes and rounds, above 0 and up to 1 (the default): smaller for a slow provider. */
  readonly scale?: number | undefined;
  /** Lets time pass for a provider whose clock stands still. Left out, real time passes by itself. */
  readonly clock?: { advance(milliseconds: number): void | Promise<void> } | undefined;
  /** How many descriptors the process, or the provider's world, holds now. */
  readonly resources?: (() => number | Promise<number>) | undefined;
  /** Takes the buffer's memory away, as `postMessage` with a transfer list does. */
  readonly detach?: ((buffer: ArrayBuffer) => void) | undefined;
  /** Catches what is reported as uncaught from now until `stop`. */
  readonly captureUncaught?: (() => UncaughtCapture) | undefined;
  /** Where Unix sockets may be made, and what else lies there. Needed for the transport `unix`. */
  readonly files?: SuiteFiles | undefined;
  /** Makes the provider's next accepts fail with `code`, `times` times over. */
  readonly failAccept?: ((provider: SocketProvider, code: string, times: number) => void) | undefined;
}

const SUITE_OPTIONS: Readonly<Record<keyof SuiteOptions, true>> = {
  scale: true,
  clock: true,
  resources: true,
  detach: true,
  captureUncaught: true,
  files: true,
  failAccept: true,
};

/** @param others what the options of one suite have besides @throws {TypeError} there is one that no suite knows */
export function requireSuiteOptions(options: SuiteOptions, ...others: readonly string[]): void {
  const own = Object.fromEntries(others.map((name) => [name, true]));
  requireKnown(requireObject(options, 'options'), { ...SUITE_OPTIONS, ...own });
}

/** Exceptions that nobody caught, taken before they end the process. */
export interface UncaughtCapture {
  /** The next one, also if it came before the call. */
  next(): Promise<unknown>;
  stop(): void;
}

/** A folder in which the suites make and look at Unix sockets. */
export interface SuiteFiles {
  /** A path that does not exist yet, and that nothing else uses. */
  fresh(): string;
  /** Makes an ordinary file. */
  makeFile(path: string): void | Promise<void>;
  /** Makes a socket's file on which nobody listens. */
  makeStaleSocket(path: string): void | Promise<void>;
  exists(path: string): boolean | Promise<boolean>;
  /** The permission bits, such as `0o600`. */
  mode(path: string): number | Promise<number>;
}

/** A provider made for one case. `stop` closes it, if the case has not done so itself. */
export interface MadeProvider {
  readonly provider: SocketProvider;
  readonly stop: () => Promise<void>;
}
export type ProviderMaker = () => Promise<MadeProvider>;

/** What a case asks of the two streams of a pair. */
export interface PairOptions extends WriteLimits {
  /** Set on both streams, where the provider has such options. */
  readonly options?: Partial<SocketOptions> | undefined;
  /** Asks for kernel buffers as small as can be had, so that a few bytes clog the pair. */
  readonly isSmall?: boolean | undefined;
}

/** Two streams that are each other's peer. `stop` aborts what is still open of both. */
export interface StreamPair {
  readonly a: Stream;
  readonly b: Stream;
  readonly stop: () => Promise<void>;
}
export type PairMaker = (options?: PairOptions) => Promise<StreamPair>;

/** What carries the streams of a suite. */
export type SuiteTransport = 'ipv4' | 'ipv6' | 'unix' | 'unix-abstract';

/** What each transport asks of a provider. */
export const TRANSPORT_NEEDS: Readonly<Record<SuiteTransport, readonly Capability[]>> = {
  ipv4: ['tcp'],
  ipv6: ['tcp', 'ipv6'],
  unix: ['unix'],
  'unix-abstract': ['unix', 'unix-abstract'],
};

/** An assertion of a suite did not hold: the provider is at fault, not the suite's caller. */
export class SuiteFailure extends Error {
  override readonly name: string = 'SuiteFailure';
}

/** @throws {SuiteFailure} unless `condition` holds */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new SuiteFailure(message);
}

/** Text of a value for a failure's message. */
export function show(value: unknown): string {
  if (isSocketError(value)) return `${value.name} ${value.code}`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof Uint8Array) return `${String(value.length)} bytes`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  return String(value);
}

/** @throws {SuiteFailure} unless `actual` is `expected`, as `Object.is` sees it */
export function equal(actual: unknown, expected: unknown, what: string): void {
  check(Object.is(actual, expected), `${what}: expected ${show(expected)}, got ${show(actual)}`);
}

/** @throws {SuiteFailure} unless the two lists have the same items in the same order */
export function equalList(actual: readonly unknown[], expected: readonly unknown[], what: string): void {
  const isSame = actual.length === expected.length && actual.every((item, i) => Object.is(item, expected[i]));
  check(isSame, `${what}: expected ${show(expected.slice(0, 40))}, got ${show(actual.slice(0, 40))}`);
}

/** What an error must be: its class's name, its code, or a choice of names. */
export interface ErrorShape {
  readonly name?: string | readonly string[];
  readonly code?: string | readonly string[];
}

/** @throws {SuiteFailure} unless `error` is of that shape */
export function checkError(error: unknown, shape: ErrorShape, what: string): asserts error is SocketError {
  const names = shape.name === undefined ? [] : [shape.name].flat();
  const codes = shape.code === undefined ? [] : [shape.code].flat();
  const wanted = [names.join(' or '), codes.join(' or ')].join(' ').trim();
  check(error instanceof Error || isSocketError(error), `${what}: expected ${wanted}, got ${show(error)}`);
  if (names.length > 0) check(names.includes(error.name), `${what}: expected ${wanted}, got ${show(error)}`);
  if (codes.length > 0) {
    const code: unknown = 'code' in error ? error.code : undefined;
    check(
      typeof code === 'string' && codes.includes(code),
      `${what}: expected ${wanted}, got ${show(error)}`,
    );
  }
}

/** @returns what `call` threw @throws {SuiteFailure} if it did not throw, or not an error of that shape */
export function throws(call: () => unknown, shape: ErrorShape, what: string): unknown {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
    checkError(error, shape, what);
    return thrown;
  }
  throw new SuiteFailure(`${what}: nothing was thrown`);
}

/**
 * @returns what the promise rejected with
 * @throws {SuiteFailure} if `call` throws instead of returning a promise, or the promise fulfils, or the error is another
 */
export async function rejects(
  call: () => Promise<unknown>,
  shape: ErrorShape,
  what: string,
): Promise<unknown> {
  const outcome = await settle(call, what);
  if (outcome.status === 'fulfilled')
    throw new SuiteFailure(`${what}: the promise fulfilled with ${show(outcome.value)}`);
  if (Object.keys(shape).length > 0) checkError(outcome.reason, shape, what);
  return outcome.reason;
}

/** Waits for a promise either way. @throws {SuiteFailure} if `call` throws instead of returning a promise */
export async function settle<T>(call: () => Promise<T>, what: string): Promise<PromiseSettledResult<T>> {
  let promise: Promise<T>;
  try {
    promise = call();
  } catch (error) {
    throw new SuiteFailure(`${what}: threw ${show(error)} instead of returning a promise that rejects`, {
      cause: error,
    });
  }
  return (await Promise.allSettled([promise]))[0];
}

/** Errors for arguments that are none: the caller is at fault, and hears of it. */
export const ARGUMENT_ERRORS: readonly string[] = [
  'TypeError',
  'RangeError',
  'SystemError',
  'ResolveError',
  'ConnectError',
  'UnsupportedError',
];
