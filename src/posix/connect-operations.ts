/** Calls that make connections. */
import { SLAB } from '../addon/native-sockets.ts';
import { systemError } from '../addon/system-errors.ts';
import type { SocketError } from '../base/errors.ts';
import type { SocketAddress } from './address.ts';
import { inCore } from './address-kinds.ts';
import { nameOnce } from './byte-operations.ts';
import { readSockaddr, writeSockaddr } from './sockaddr.ts';
import type { CallRow, Operation, SocketState } from './waiting.ts';
import { callError, ensureAttempts } from './waiting.ts';

export const ACCEPT: CallRow = { op: 'accept', syscall: 'accept4', direction: 'read' };
export const CONNECT: CallRow = { op: 'connect', syscall: 'connect', direction: 'write' };

/** What accepting brought, as numbers: whoever makes sockets makes one of it. */
export interface AcceptedId {
  readonly id: number;
  readonly address: SocketAddress | null;
}

export function acceptOperation(state: SocketState): Operation<AcceptedId> {
  const { native, slab, words } = state.space;
  return {
    call: ACCEPT,
    attempt: () => {
      const result = ensureAttempts(state);
      return result < 0 ? result : native.accept(state.id);
    },
    finish: (id) => ({ id, address: readSockaddr(slab, SLAB.name, words[0] ?? 0) }),
  };
}

/** An error that says whom it was about. */
export function addressError(
  state: SocketState,
  call: CallRow,
  result: number,
  which: { local?: SocketAddress; remote?: SocketAddress },
): SocketError {
  if (state.isClosed) return callError(state, call, result);
  const { op, syscall } = call;
  return systemError(result, syscall, { op, local: inCore(which.local), remote: inCore(which.remote) });
}

/**
 * How a connection that was under way has come out: 0, a negative errno, or -EAGAIN while it is not known. To call connect
 * again asks the system and, unlike SO_ERROR, lets it know that it has told: else the next connect is answered with the
 * outcome of this one.
 *
 * @param again calls connect with the same address
 */
function outcomeOf(state: SocketState, again: () => number): number {
  const { native, module } = state.space;
  const { EAGAIN, EALREADY, EINPROGRESS, EISCONN } = module.errorNumbers;
  const revents = native.wait(state.id, module.constants.POLLOUT, 0);
  if (revents < 0) return revents;
  if (revents === 0) return -EAGAIN;
  const result = again();
  if (result === -EISCONN) return 0;
  return result === -EALREADY || result === -EINPROGRESS ? -EAGAIN : result;
}

/**
 * One attempt to connect.
 *
 * @returns 0; -EINPROGRESS; -EAGAIN where a Unix listener's backlog is full, and nothing has begun
 */
export function connectOnce(state: SocketState, address: SocketAddress): number {
  const { native, slab, codecs } = state.space;
  const length = writeSockaddr(slab, SLAB.name, address, codecs);
  const result = ensureAttempts(state);
  return result < 0 ? result : native.connect(state.id, length);
}

/** Connects, and goes on until it is known how that came out. */
export function connectOperation(state: SocketState, address: SocketAddress): Operation<undefined> {
  const { EAGAIN, EALREADY, EINPROGRESS, EINTR } = state.space.module.errorNumbers;
  const name = nameOnce(state, address);
  let hasBegun = false;
  const connect = (): number => {
    const length = name.place();
    const result = ensureAttempts(state);
    return result < 0 ? result : name.keep(state.space.native.connect(state.id, length));
  };
  return {
    call: CONNECT,
    attempt: () => {
      let result = hasBegun ? outcomeOf(state, connect) : connect();
      if (!hasBegun && [-EALREADY, -EINPROGRESS, -EINTR].includes(result)) {
        hasBegun = true;
        result = -EAGAIN;
      }
      if (result >= 0 || result === -EAGAIN) return result;
      throw addressError(state, CONNECT, result, { remote: address });
    },
    finish: () => undefined,
  };
}
