/** What a simulated network does to datagrams on their way: it loses, doubles, delays and swaps them. */
import { requireKnown, requireObject } from '../base/rules.ts';
import type { IpEndpoint } from '../base/address.ts';

/** Shares are from 0 to 1, times are milliseconds of the network's clock. */
export interface DatagramConditions {
  /** Share of datagrams that never arrive. */
  readonly loss?: number | undefined;
  /** Share of datagrams that arrive twice. */
  readonly duplication?: number | undefined;
  /** Share of datagrams that come a millisecond late, and so behind those that were sent next. */
  readonly reordering?: number | undefined;
  /** How long each is under way. Default 0: it arrives with the call that sends it. */
  readonly delay?: number | undefined;
  /** By how much, at most, the delay of one is longer than that of another. */
  readonly jitter?: number | undefined;
  /** Where the row of random numbers begins: the same seed makes the same network. Default 1. */
  readonly seed?: number | undefined;
}

/** A datagram that has just been sent. */
export interface DatagramOnItsWay {
  readonly from: IpEndpoint;
  readonly to: IpEndpoint;
  readonly bytes: Uint8Array;
  /** How many were sent before it in this network. */
  readonly number: number;
}

/**
 * Decides what becomes of each datagram: the delays of its copies, in milliseconds. `[0]` is the usual, `[]` loses it, and
 * `[0, 5]` has it come twice.
 */
export type DatagramFate = (datagram: DatagramOnItsWay) => readonly number[];

const LATE = 1;

const CONDITIONS: Readonly<Record<keyof DatagramConditions, true>> = {
  loss: true,
  duplication: true,
  reordering: true,
  delay: true,
  jitter: true,
  seed: true,
};

/** Numbers from 0 up to 1, the same ones for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @throws {RangeError} */
function requireNumber(name: string, value: number, most: number): number {
  if (value >= 0 && value <= most) return value;
  throw new RangeError(`${name}: expected a number from 0 to ${String(most)}, got ${String(value)}`);
}

/** @throws {RangeError} a share or a time is none */
export function fateOf(conditions: DatagramConditions | DatagramFate | undefined): DatagramFate {
  if (typeof conditions === 'function') return conditions;
  requireKnown(requireObject(conditions ?? {}, 'datagrams'), CONDITIONS, 'datagrams.');
  const { loss = 0, duplication = 0, reordering = 0, delay = 0, jitter = 0, seed = 1 } = conditions ?? {};
  for (const [name, share] of Object.entries({ loss, duplication, reordering }))
    requireNumber(name, share, 1);
  for (const [name, time] of Object.entries({ delay, jitter })) requireNumber(name, time, Number.MAX_VALUE);
  const random = randomNumbers(seed);
  const time = (): number => delay + random() * jitter + (random() < reordering ? LATE : 0);
  return () => {
    if (random() < loss) return [];
    return random() < duplication ? [time(), time()] : [time()];
  };
}
