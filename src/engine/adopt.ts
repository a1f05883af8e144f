/** Sockets that are there already: inherited from another process, received from one, or another library's. */
import { closeSync } from 'node:fs';

import type { ErrorDetails } from '../base/errors.ts';
import { SystemError } from '../base/errors.ts';
import type { SocketOptions } from '../base/options.ts';
import type { Listener, Stream, WriteLimits } from '../base/provider.ts';
import type { Rules } from '../base/rules.ts';
import { integer, oneOf, readOptions, requireObject } from '../base/rules.ts';
import type { StreamLimits } from '../base/validate.ts';
import { MAX_INT32 } from '../base/deadline-rules.ts';
import { COMMON } from '../base/validate.ts';
import { streamMaker } from './listen.ts';
import { NativeListener } from './listener.ts';
import type { Reactor } from './reactor.ts';
import { readAddress } from './sockaddr.ts';
import { NativeStream } from './stream.ts';

/** Whose a descriptor is that is handed in. */
export type Ownership = 'borrow' | 'take';

export interface AdoptOptions extends WriteLimits {
  /**
   * `take`: it is the provider's from now on, and nobody else may close it. `borrow`: the provider works on a duplicate, and
   * the descriptor stays its owner's to close. The connection is the same for both: what one reads, the other does not.
   */
  readonly ownership: Ownership;
  /** Options set on the stream; of a listener, on every stream that it accepts. */
  readonly options?: Partial<SocketOptions> | undefined;
}

/** What a descriptor turned out to be. */
export type Adopted =
  | { readonly kind: 'stream'; readonly stream: Stream }
  | { readonly kind: 'listener'; readonly listener: Listener };

interface AdoptPlan extends StreamLimits {
  readonly ownership: Ownership;
  readonly options: Partial<SocketOptions>;
}

const PLAN: Rules<AdoptPlan> = {
  highWaterMark: COMMON.highWaterMark,
  writeLimit: COMMON.writeLimit,
  options: COMMON.options,
  ownership: oneOf('borrow', 'take'),
};

const descriptor = integer(0, MAX_INT32);

/** What is wrong with a descriptor, in the words of whoever handed it in. */
const REASONS: Readonly<Record<string, string>> = {
  EAFNOSUPPORT: 'is a socket of a family that the engine does not know',
  EBADF: 'is not open',
  EEXIST: "is this provider's already",
  ENOTCONN: 'is a socket that is neither connected nor listening',
  ENOTSOCK: 'is not a socket',
  ESOCKTNOSUPPORT: 'is a socket of a type that the engine does not know',
};

/** @throws {SystemError} and the descriptor is its owner's still @throws {UnsupportedError} an option that it has not */
export function adopt(reactor: Reactor, given: unknown, options: unknown): Adopted {
  const fd = descriptor(given, 'fd');
  const plan = readOptions(requireObject(options, 'options'), PLAN, 'options.');
  const handle = reactor.native.adopt(fd, plan.ownership === 'borrow');
  if (handle < 0) throw refusal(reactor, -handle, fd);
  try {
    return make(reactor, handle, plan);
  } catch (error) {
    const left = reactor.native.detach(handle);
    reactor.disown(handle);
    if (plan.ownership === 'borrow') closeSync(left);
    throw error;
  }
}

function make(reactor: Reactor, handle: number, plan: AdoptPlan): Adopted {
  const { native, module } = reactor;
  const { SOL_SOCKET, SO_ACCEPTCONN } = module.constants;
  const { highWaterMark, writeLimit, options } = plan;
  const limits = { highWaterMark, writeLimit };
  const local = readAddress(native, 'localAddress', handle) ?? { family: 'unix', path: '' };
  if (native.getOption(handle, SOL_SOCKET, SO_ACCEPTCONN) > 0) {
    const listener = new NativeListener(reactor, {
      handle,
      local,
      make: streamMaker(reactor, limits, local),
      options,
    });
    return { kind: 'listener', listener };
  }
  const stream = new NativeStream(reactor, handle, { isUnix: local.family === 'unix', limits, local });
  stream.prepare(options);
  return { kind: 'stream', stream };
}

function refusal(reactor: Reactor, errno: number, fd: number): SystemError {
  const details: ErrorDetails = { op: 'adopt' };
  const error = reactor.names.error(errno, 'getsockopt', details);
  const reason = REASONS[error.code];
  if (reason === undefined) return error;
  const { code, syscall } = error;
  return new SystemError(code, {
    ...details,
    errno,
    ...(syscall && { syscall }),
    reason: `descriptor ${String(fd)} ${reason}`,
  });
}
