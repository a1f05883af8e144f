/** What calls take besides addresses and bytes, judged before anything is done. */
import type { ConstantName } from '../addon/constant-names.ts';
import { loadNative } from '../addon/load.ts';
import { MAX_MESSAGES, SLAB, SLAB_SIZE } from '../addon/native-sockets.ts';
import type { AbortSignalLike } from '../base/abort.ts';
import { nearest } from '../base/nearest.ts';
import { UnsupportedError } from '../base/errors.ts';
import type { Rule, Rules } from '../base/rules.ts';
import {
  integer,
  oneOf,
  optional,
  outOfRange,
  readWith,
  requireKnown,
  requireObject,
  withDefault,
  wrongType,
} from '../base/rules.ts';
import { getSpace } from './space.ts';
import type { AsyncWait } from './waiting.ts';

const MAX_INT32 = 2 ** 31 - 1;

/** Bytes that one call can move through the slab. */
export const ROOM: number = SLAB_SIZE - SLAB.data;

/** How a call is made. */
export interface CallOptions {
  /** `MSG_…` numbers, or'ed. `MSG_DONTWAIT` and, for sending, `MSG_NOSIGNAL` are always set. */
  readonly flags?: number;
  /**
   * Milliseconds, or `Infinity`: blocks the thread until the call succeeds, and throws `ETIMEDOUT` when the time is up.
   * Handlers of signals run after the call. Without it a call is a single attempt, and answers `null` if it would block.
   */
  readonly timeout?: number;
}

/** Options of a call that blocks, and so never answers `null`. */
export type BlockingOptions = CallOptions & { readonly timeout: number };

/** How a call is made that waits without blocking the thread. */
export interface AsyncOptions {
  /** As in `CallOptions`. */
  readonly flags?: number;
  /** Ends the wait; the promise rejects with its reason. */
  readonly signal?: AbortSignalLike;
  /** Milliseconds, or `Infinity` (the default); the promise rejects with `ETIMEDOUT`. */
  readonly timeout?: number;
}

export function timeout(value: unknown, name: string): number {
  const expected = 'milliseconds from 0 to 2147483647, or Infinity';
  if (typeof value !== 'number') throw wrongType(name, expected, value);
  if (value === Infinity) return value;
  if (!(value >= 0 && value <= MAX_INT32)) throw outOfRange(name, expected, value);
  return value;
}

const flags = integer(-(2 ** 31), MAX_INT32);
export const backlog: Rule<number> = integer(0, MAX_INT32);
export const descriptorNumber: Rule<number> = integer(0, MAX_INT32);
export const byteCount: Rule<number> = integer(0, MAX_INT32);
export const roomCount: Rule<number> = integer(0, ROOM);
export const messageCount: Rule<number> = integer(1, MAX_MESSAGES);
const optionNumber: Rule<number> = integer(0, MAX_INT32);

/** The flags of a call; none is the usual case. */
export function flagsOf(options: CallOptions | AsyncOptions | undefined): number {
  if (options === undefined) return 0;
  const value = (requireObject(options, 'options') as CallOptions).flags;
  return value === undefined ? 0 : flags(value, 'flags');
}

/**
 * All flags of a call that sends.
 *
 * @throws {UnsupportedError} MSG_ZEROCOPY: the system would send what stands in the memory later, when other calls have used it
 */
export function sendFlagsOf(options: CallOptions | AsyncOptions | undefined): number {
  const { module, sendFlags } = getSpace();
  const given = flagsOf(options);
  if ((given & module.constants.MSG_ZEROCOPY) !== 0) {
    throw new UnsupportedError(
      'MSG_ZEROCOPY needs memory that nobody uses until the system has told that it is done with it',
      {
        op: 'send',
      },
    );
  }
  return given | sendFlags;
}

const FLAGS_AND_TIME = { flags: true, timeout: true };
/** The options of a call that blocks and has no flags. */
export const TIME: object = { timeout: true };

/** The time that a call may block, if it may. @param known what its options may have */
export function timeoutOf(
  options: CallOptions | undefined,
  known: object = FLAGS_AND_TIME,
): number | undefined {
  if (options === undefined) return undefined;
  requireKnown(requireObject(options, 'options'), known);
  const value = options.timeout;
  return value === undefined ? undefined : timeout(value, 'timeout');
}

function abortSignal(value: unknown, name: string): AbortSignalLike {
  const signal = requireObject(value, name);
  const isSignal =
    typeof Reflect.get(signal, 'aborted') === 'boolean' &&
    typeof Reflect.get(signal, 'addEventListener') === 'function';
  if (!isSignal) throw wrongType(name, 'an AbortSignal', value);
  return signal as AbortSignalLike;
}

/** The options of a call that waits. */
export const WAIT: Rules<AsyncWait> = { signal: optional(abortSignal), timeout: optional(timeout) };
const FLAGS_AND_WAIT = { ...WAIT, flags: true };

/** How long an asynchronous call may wait. @param known what its options may have */
export function waitOf(options: unknown, known: object = FLAGS_AND_WAIT): AsyncWait {
  if (options === undefined) return {};
  const given = requireObject(options, 'options');
  requireKnown(given, known);
  return readWith(given, WAIT);
}

const HOW = oneOf('read', 'write', 'both');
export type ShutdownHow = 'read' | 'write' | 'both';

/** The number of a way to shut down. */
export function shutdownNumber(value: unknown): number {
  const { SHUT_RD, SHUT_WR, SHUT_RDWR } = getSpace().module.constants;
  return { read: SHUT_RD, write: SHUT_WR, both: SHUT_RDWR }[HOW(value, 'how')];
}

/** The number of a constant, of those that are meant; `expected` is for messages. */
function byName(isMeant: (name: string) => boolean, expected: string): Rule<number> {
  return (value, name) => {
    if (typeof value !== 'string') throw wrongType(name, expected, value);
    const { constants } = loadNative();
    if (isMeant(value) && Object.hasOwn(constants, value)) return constants[value as ConstantName];
    const meant = nearest(value, Object.keys(constants).filter(isMeant));
    throw outOfRange(name, meant === undefined ? expected : `${expected} (${meant}?)`, value);
  };
}

/** A number that callers may give by the name of a constant that begins with one of `prefixes`, or of any if there are none. */
export function named(...prefixes: readonly string[]): Rule<number> {
  const isAny = prefixes.length === 0;
  const name = isAny ? 'the name of a constant' : `a name that begins with ${prefixes.join(' or ')}`;
  const isMeant = (each: string): boolean => isAny || prefixes.some((prefix) => each.startsWith(prefix));
  const rule = byName(isMeant, `${name}, or a number`);
  return (value, where) => (typeof value === 'number' ? optionNumber(value, where) : rule(value, where));
}

/** More than there are bits, so that no list is walked for ever. */
const MAX_FLAGS = 64;

/**
 * Flags that callers may give as a list of names that begin with `prefix`, or as the sum of their numbers.
 *
 * @param others names that begin so and are no flags
 */
export function flagSet(prefix: string, others: readonly string[] = []): Rule<number> {
  const beginning = `names that begin with ${prefix}`;
  const expected = `a list of ${beginning}, or a number`;
  const isMeant = (each: string): boolean => each.startsWith(prefix) && !others.includes(each);
  const rule = byName(isMeant, `one of the ${beginning}`);
  const flagCount = integer(0, MAX_FLAGS);
  return (value, name) => {
    if (typeof value === 'number') return flags(value, name);
    if (!Array.isArray(value)) throw wrongType(name, expected, value);
    const length = flagCount(value.length, `${name}.length`);
    let sum = 0;
    for (let i = 0; i < length; i++) sum |= rule(value[i], `${name}[${String(i)}]`);
    return sum;
  };
}

export const family: Rule<number> = named('AF_');
export const socketType: Rule<number> = named('SOCK_');
export const protocol: Rule<number> = withDefault(named('IPPROTO_', 'NETLINK_', 'CAN_', 'ETH_P_'), 0);
