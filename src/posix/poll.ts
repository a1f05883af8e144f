/** poll(2) of many. */
import { SLAB } from '../addon/native-sockets.ts';
import { systemError } from '../addon/system-errors.ts';
import { integer, outOfRange, requireObject, wrongType } from '../base/rules.ts';
import { descriptorNumber, timeout as timeoutRule, ROOM } from './arguments.ts';
import { SocketCore } from './socket-core.ts';
import { getSpace } from './space.ts';
import { LONGEST_WAIT } from './waiting.ts';

/** Something to be waited for. */
export interface PollItem {
  /** A socket, anything else that has an `fd`, or a descriptor's number. */
  readonly on: { readonly fd: number } | number;
  /** `POLL…` numbers, or'ed. `POLLERR`, `POLLHUP` and `POLLNVAL` are told of in any case. */
  readonly events: number;
}

const WORDS = 3;
const MAX_ITEMS = Math.floor(ROOM / (WORDS * 4));

const events = integer(0, 0x7fff);

function descriptorOf(on: unknown, name: string): number {
  if (typeof on === 'number') return descriptorNumber(on, name);
  if (on instanceof SocketCore) return on.fd;
  return descriptorNumber(Reflect.get(requireObject(on, name), 'fd'), `${name}.fd`);
}

/** Reads everything before anything is written: a getter of the caller's may itself use the slab. */
function judge(items: readonly PollItem[]): Int32Array {
  if (!Array.isArray(items)) throw wrongType('items', 'an array', items);
  if (items.length > MAX_ITEMS) throw outOfRange('items', `at most ${String(MAX_ITEMS)}`, items.length);
  const set = new Int32Array(items.length * WORDS);
  for (let i = 0; i < set.length / WORDS; i++) {
    const name = `items[${String(i)}]`;
    const item = requireObject(items[i], name);
    set[WORDS * i] = descriptorOf(Reflect.get(item, 'on'), `${name}.on`);
    set[WORDS * i + 1] = events(Reflect.get(item, 'events'), `${name}.events`);
  }
  return set;
}

/**
 * Waits until one of the items is ready in one of the ways that were asked for, and blocks the thread meanwhile. Signals do
 * not end it, and their handlers run after it.
 *
 * @param timeout milliseconds; 0 asks only; `Infinity`, the default, waits for as long as it takes
 * @returns for each item, in their order, the `POLL…` numbers of what it is ready for: 0 for nothing, `POLLNVAL` for a
 *   number that is no open descriptor. The items are as they were.
 * @throws {ClosedError} one of them is a closed socket
 * @see poll(2)
 * @example
 * const [ready] = poll([{ on: socket, events: constants.POLLIN }], 1000);
 */
export function poll(items: readonly PollItem[], timeout: number = Infinity): number[] {
  const set = judge(items);
  const limit = timeoutRule(timeout, 'timeout');
  const { native, words } = getSpace();
  const at = SLAB.data / 4;
  words.set(set, at);
  const count = set.length / WORDS;
  const end = performance.now() + limit;
  for (let left = limit; ; left = end - performance.now()) {
    const result = native.poll(count, Math.max(0, Math.min(Math.ceil(left), LONGEST_WAIT)));
    if (result < 0) throw systemError(result, 'poll', { op: 'poll' });
    if (result > 0 || left <= 0) break;
  }
  return Array.from({ length: count }, (_, i) => words[at + WORDS * i + 2] ?? 0);
}
