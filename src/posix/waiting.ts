/**
 * The three ways to wait, over one form of a call: a single attempt; attempts with the thread blocked in between; attempts
 * with the poller in between. All of them try first and wait then.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { systemError } from '../addon/system-errors.ts';
import type { AbortSignalLike } from '../base/abort.ts';
import { onAbort } from '../base/abort.ts';
import { ClosedError } from '../base/errors.ts';
import type { SocketError } from '../base/errors.ts';
import type { Direction } from './readiness.ts';
import type { Space } from './space.ts';

/** How a call is named in errors, and what it waits for when it would block. */
export interface CallRow {
  /** The method. */
  readonly op: string;
  readonly syscall: string;
  readonly direction: Direction;
}

/** What calls need to know of a socket. */
export interface SocketState {
  readonly space: Space;
  readonly id: number;
  /** `AF_…`, `SOCK_…` and `IPPROTO_…` numbers. */
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
  isClosed: boolean;
  /**
   * Whether the open file may be one that waits (no O_NONBLOCK). It is left so for those who share it for as long as it
   * does not matter: bytes and messages have MSG_DONTWAIT, only accept and connect have nothing of the kind.
   */
  mayBlock: boolean;
  /** The socket itself: what waits has this state, and so keeps the socket from being collected, and closed, meanwhile. */
  owner?: object;
}

/** A call that may be tried several times. */
export interface Operation<T> {
  readonly call: CallRow;
  /** One attempt. @returns what the native module answered: a negative errno is a failure */
  attempt(): number;
  /** Reads what the attempt left in the slab: at once, before anything else may use it. */
  finish(result: number): T;
}

export interface AsyncWait {
  readonly signal?: AbortSignalLike | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
}

/** Pauses where the system has nothing to wait for, in milliseconds: the first and the longest. */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 32;
/**
 * The longest that the thread is in one system call, in milliseconds: in between, a worker can be ended, and with it the
 * process that waits for its workers.
 */
export const LONGEST_WAIT = 100;

/** The error of a call that answered `result`. */
export function callError(state: SocketState, call: CallRow, result: number): SocketError {
  const { op, syscall } = call;
  if (state.isClosed) return new ClosedError({ op });
  return systemError(result, syscall, { op });
}

export function timeoutError(state: SocketState, { op, syscall }: CallRow): SocketError {
  return systemError(-state.space.module.errorNumbers.ETIMEDOUT, syscall, { op });
}

/** Whether a call that answered `result` may succeed later. */
export function wouldBlock(state: SocketState, result: number): boolean {
  return result === -state.space.module.errorNumbers.EAGAIN;
}

/** Tries once. @returns `null` if it would block. @throws {SocketError} */
export function tryOnce<T>(state: SocketState, operation: Operation<T>): T | null {
  const result = operation.attempt();
  if (result >= 0) return operation.finish(result);
  if (wouldBlock(state, result)) return null;
  throw callError(state, operation.call, result);
}

/**
 * Tries until the call succeeds, and blocks the thread in between. @param timeout milliseconds, or Infinity
 * @throws {SystemError} ETIMEDOUT
 */
export function tryBlocking<T>(state: SocketState, operation: Operation<T>, timeout: number): T {
  const end = performance.now() + timeout;
  let pause = 0;
  for (;;) {
    const done = tryOnce(state, operation);
    if (done !== null) return done;
    const left = Math.ceil(end - performance.now());
    if (left <= 0) throw timeoutError(state, operation.call);
    pause = blockOnce(state, operation.call, Math.min(left, LONGEST_WAIT), pause);
  }
}

/**
 * Blocks until the socket is ready or the time is up. It may be ready in a way that is of no use to the call: an error
 * queue that nobody reads, room in general but none with a certain Unix peer. Then it must not spin: it pauses.
 *
 * @returns the pause that was made, 0 for none
 */
function blockOnce(state: SocketState, call: CallRow, left: number, lastPause: number): number {
  const { native, module } = state.space;
  const { POLLIN, POLLOUT } = module.constants;
  const began = performance.now();
  const result = native.wait(state.id, call.direction === 'read' ? POLLIN : POLLOUT, left);
  if (result < 0) throw callError(state, call, result);
  if (result === 0 || performance.now() - began >= FIRST_PAUSE) return 0;
  const pause = Math.min(Math.max(FIRST_PAUSE, lastPause * 2), LONGEST_PAUSE);
  if (lastPause > 0) native.poll(0, Math.min(pause, left));
  return pause;
}

/** A limit to waiting: the caller's signal, and the time. */
export interface Limit {
  readonly signal: AbortSignalLike;
  /** To be called when the wait is over. */
  end(): void;
}

/** @param late makes the error for the time having run out, which is then the reason of the limit's signal */
export function limitOf(wait: AsyncWait, late: () => SocketError): Limit {
  const controller = new AbortController();
  const { timeout, signal } = wait;
  const offAbort = onAbort(signal, () => {
    controller.abort(signal?.reason);
  });
  const timer =
    timeout === undefined || timeout === Infinity
      ? undefined
      : setTimeout(() => {
          controller.abort(late());
        }, timeout);
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(timer);
      offAbort();
    },
  };
}

/**
 * Tries until the call succeeds, and waits on the poller in between.
 *
 * @throws the signal's reason; {SystemError} ETIMEDOUT; {ClosedError} the socket was closed meanwhile
 */
export async function tryAsync<T>(state: SocketState, operation: Operation<T>, wait: AsyncWait): Promise<T> {
  if (wait.signal?.aborted === true) throw wait.signal.reason;
  const first = tryOnce(state, operation);
  if (first !== null) return first;
  const limit = limitOf(wait, () => timeoutError(state, operation.call));
  try {
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      await nextChance(state, operation.call, limit.signal, pause);
      const done = tryOnce(state, operation);
      if (done !== null) return done;
    }
  } finally {
    limit.end();
  }
}

/** Waits for a change. A Unix socket may wait for room with a peer that the poller knows nothing of: there time helps. */
async function nextChance(
  state: SocketState,
  call: CallRow,
  signal: AbortSignalLike,
  pause: number,
): Promise<void> {
  const { readiness, module } = state.space;
  if (call.direction === 'read' || state.family !== module.constants.AF_UNIX) {
    await readiness.next(state.id, call.direction, signal);
    return;
  }
  const either = new AbortController();
  const offAbort = onAbort(signal, () => {
    either.abort(signal.reason);
  });
  const ready = readiness.next(state.id, call.direction, either.signal);
  const paused = sleep(pause, undefined, { signal: either.signal, ref: true });
  try {
    await Promise.race([ready, paused]);

    if (signal.aborted) throw signal.reason;
  } catch (error) {
    // The sleep's own AbortError may come first.
    throw signal.aborted ? signal.reason : error;
  } finally {
    offAbort();
    either.abort();
    await Promise.allSettled([ready, paused]);
  }
}

/** Has accept and connect be single attempts as well. @returns a negative errno if that cannot be */
export function ensureAttempts(state: SocketState): number {
  if (!state.mayBlock) return 0;
  const result = state.space.native.setBlocking(state.id, false);
  if (result >= 0) state.mayBlock = false;
  return result;
}

/**
 * Resolves when the socket is ready, which may be now. If all that there is to tell is an error that stays, as a queue of
 * errors does until it is read, the event loop has had a turn by then: whoever waits again and again holds nobody up.
 */
export async function untilReady(state: SocketState, call: CallRow, wait: AsyncWait): Promise<void> {
  const { native, module } = state.space;
  const { POLLIN, POLLOUT } = module.constants;
  const events = call.direction === 'read' ? POLLIN : POLLOUT;
  const { EAGAIN } = module.errorNumbers;
  const revents = await tryAsync(
    state,
    {
      call,
      attempt: () => native.wait(state.id, events, 0) || -EAGAIN,
      finish: (found) => found,
    },
    wait,
  );
  if ((revents & events) === 0) await nextTurn();
}
