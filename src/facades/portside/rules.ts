/** The promise API: how its own options are judged. What it hands on is judged by the provider. */
import { requireBytes } from '../../base/bytes.ts';
import type { SocketError } from '../../base/errors.ts';
import type { Rule, Rules } from '../../base/rules.ts';
import { flag, integer, optional, readWith, requireFunction, withDefault } from '../../base/rules.ts';
import { validateDatagramRead } from '../../base/validate-datagram.ts';
import type { DatagramPlan } from './datagram-socket.ts';
import type { BindOptions } from './options.ts';
import type { ServerPlan } from './server.ts';

const DEFAULT_READ_AHEAD = 128 * 1024;
const DEFAULT_ACCEPT_AHEAD = 16;
const DEFAULT_QUEUED = 256;
const DEFAULT_QUEUED_BYTES = 1024 * 1024;
const MOST = 2 ** 31 - 1;

export const readAheadRule: Rule<number> = withDefault(integer(1, MOST), DEFAULT_READ_AHEAD);

function errorListener(value: unknown, name: string): (error: SocketError) => void {
  requireFunction(value, name);
  return value as (error: SocketError) => void;
}

export const SERVER: Rules<ServerPlan> = {
  acceptAhead: withDefault(integer(0, 65_536), DEFAULT_ACCEPT_AHEAD),
  onError: optional(errorListener),
};

const RECEIVE: Rules<Omit<DatagramPlan, 'read'>> = {
  maxQueued: withDefault(integer(1, MOST), DEFAULT_QUEUED),
  maxQueuedBytes: withDefault(integer(1, MOST), DEFAULT_QUEUED_BYTES),
  onError: optional(errorListener),
};

export const DATAGRAM_NAMES: Readonly<
  Record<'maxQueued' | 'maxQueuedBytes' | 'maxSize' | 'meta' | 'onError', unknown>
> = { ...RECEIVE, maxSize: true, meta: true };

export interface AdoptPlan {
  readonly readAhead: number;
  readonly head: Uint8Array | undefined;
  readonly isEnded: boolean;
}

export const ADOPT: Rules<AdoptPlan> = {
  readAhead: readAheadRule,
  head: optional((value, name) => new Uint8Array(requireBytes(value, name))),
  isEnded: withDefault(flag, false),
};

export function datagramPlan(options: object): DatagramPlan {
  const { maxSize, meta } = options as BindOptions;
  return { ...readWith(options, RECEIVE), read: { maxSize, meta } };
}

/**
 * Judges what will be said of a socket once it is known what it is. Whatever is refused then is refused here, before
 * there is a socket.
 *
 * @throws {TypeError | RangeError}
 */
export function judgeAdoption(options: object): void {
  readWith<ServerPlan>(options, SERVER);
  readWith<AdoptPlan>(options, ADOPT);
  validateDatagramRead(datagramPlan(options).read);
}
