/** A failure on its way to the caller's `error()`: thrown inside of this folder, and never out of it. */
import { ClosedError, ResolveError, SystemError, UnsupportedError } from '../base/errors.ts';
import { errorNumbers, resolveErrors } from '../posix/constants.ts';

export class Failure extends Error {
  /** An errno, or a (negative) `EAI_` number. */
  readonly code: number;

  /** @param context what was being done, `bind()`, or what was wrong with it */
  constructor(code: number, context: string) {
    super(context);
    this.code = code;
  }
}
Object.defineProperty(Failure.prototype, 'name', { value: 'Failure' });

/** What was given cannot be. */
export function invalid(context: string): Failure {
  return new Failure(errorNumbers.EINVAL, context);
}

/** A number is too large, or must not be negative. */
export function outOfRange(context: string): Failure {
  return new Failure(errorNumbers.ERANGE, context);
}

/** What every method answers on a closed socket, and on what is no socket. */
export function noSocket(): Failure {
  return new Failure(errorNumbers.EBADF, 'Invalid socket context');
}

/** Calls that have a longer name where they are made than where they are asked for. */
const CALL_NAMES: Readonly<Record<string, string>> = { recvfrom: 'recv', sendto: 'send' };

function ofSystem(error: SystemError): Failure {
  const syscall = error.syscall ?? 'socket';
  return new Failure(error.errno, `${CALL_NAMES[syscall] ?? syscall}()`);
}

function ofResolver(error: ResolveError): Failure {
  const call = error.op === 'nameInfo' ? 'getnameinfo()' : 'getaddrinfo()';
  if (error.cause instanceof SystemError) return new Failure(error.cause.errno, call);
  const codes: Readonly<Record<string, number>> = resolveErrors;
  return new Failure(codes[error.code] ?? resolveErrors.EAI_FAIL, call);
}

/** The failure that an error tells of, or `undefined` if it is no failure but a mistake in a program. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof Failure) return error;
  if (error instanceof SystemError) return ofSystem(error);
  if (error instanceof ResolveError) return ofResolver(error);
  if (error instanceof UnsupportedError)
    return new Failure(errorNumbers.EOPNOTSUPP, `${error.op ?? 'socket'}()`);
  return error instanceof ClosedError ? noSocket() : undefined;
}

/**
 * Calls what judges its arguments by throwing, with arguments that run no code of the caller's: what it throws then is
 * about a value.
 */
export function judged<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw invalid(error.message);
    throw error;
  }
}
