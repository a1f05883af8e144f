/** poll(2), in ucode's form. */
import { constants } from '../posix/constants.ts';
import { poll as posixPoll } from '../posix/poll.ts';
import { integer } from './arguments.ts';
import type { Handle } from './descriptors.ts';
import { descriptorOf } from './descriptors.ts';
import { moduleErrors } from './error-slot.ts';
import { judged } from './failure.ts';
import { elements } from './lists.ts';
import { INT16, toIntegerOrNull } from './loose.ts';

const { POLLERR, POLLHUP, POLLIN, POLLNVAL } = constants;

/** What is to be waited for: for data and errors, or, in an array, for those `POLL` numbers; what follows is kept. */
export type PollItem = Handle | readonly [handle: Handle, flags?: number | null, ...state: unknown[]];

/** The handle, the `POLL` numbers of what it is ready for, and what followed in the array that was given. */
export type PollResult<T> = T extends readonly [infer H, unknown?, ...infer S]
  ? [handle: H, revents: number, ...state: S]
  : [handle: T, revents: number];

interface Wanted {
  readonly handle: unknown;
  /** `null` if there is nothing that could be asked. */
  readonly descriptor: number | null;
  readonly events: number;
  readonly state: readonly unknown[];
}

/** Bits that poll(2) knows; the highest means nothing. */
const KNOWN_BITS = 0x7fff;

function wantedOf(item: unknown): Wanted {
  if (!Array.isArray(item))
    return { handle: item, descriptor: descriptorOf(item), events: POLLIN | POLLERR | POLLHUP, state: [] };
  const [handle, flags, ...state] = elements(item);
  const events = toIntegerOrNull(flags, INT16);
  const descriptor = events === null ? null : descriptorOf(handle);
  return { handle, descriptor, events: (events ?? 0) & KNOWN_BITS, state };
}

/** What each is ready for. An item that cannot be is told of at once, as the system does with a closed descriptor. */
function wait(wanted: readonly Wanted[], timeout: number): number[] {
  const possible = wanted.flatMap(({ descriptor, events }) =>
    descriptor === null ? [] : [{ on: descriptor, events }],
  );
  const isComplete = possible.length === wanted.length;
  const limit = isComplete ? (timeout < 0 ? Infinity : timeout) : 0;
  const found = judged(() => posixPoll(possible, limit));
  let next = 0;
  return wanted.map(({ descriptor }) => (descriptor === null ? POLLNVAL : (found[next++] ?? 0)));
}

/**
 * Waits until one of the items is ready, and blocks the thread meanwhile.
 *
 * @param timeout milliseconds; 0 asks only, a negative number waits for as long as it takes
 * @returns an array for each item, in their order, whether or not it is ready: `[handle, revents]`, and what else an
 *   array had. Nothing that was given is changed. An item that is nothing to wait for has `POLLNVAL`; `null` on failure.
 * @throws only what a `fileno()` of the caller's throws
 * @see poll(2)
 * @example
 * for (const [socket, revents, state] of poll(1000, [listener, POLLIN, 'listener']) ?? []) if (revents & POLLIN) …
 */
export function poll<const T extends readonly PollItem[]>(
  timeout: number,
  ...items: T
): { [K in keyof T]: PollResult<T[K]> } | null {
  return moduleErrors.run(() => {
    const limit = integer(timeout, 'timeout');
    const wanted = items.map(wantedOf);
    const revents = wait(wanted, limit);
    const results = wanted.map(({ handle, state }, i) => [handle, revents[i] ?? 0, ...state]);
    return results as { [K in keyof T]: PollResult<T[K]> };
  });
}
