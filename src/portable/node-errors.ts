/** Node's errors in the words of `base/errors`. */
import type { ErrorDetails } from '../base/errors.ts';
import { SystemError } from '../base/errors.ts';

/** What Node adds to the errors of system calls; the number is libuv's, which on Unix is the negative errno. */
interface NodeError {
  readonly code: string;
  readonly errno?: unknown;
  readonly syscall?: unknown;
}

/** Whether Node says with an error which system call failed, and how. */
export function isNodeError(error: unknown): error is Error & NodeError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}

/** The `SystemError` for one of Node's; what is none becomes `EIO` with the original as its cause. */
export function toSystemError(error: unknown, details: ErrorDetails): SystemError {
  if (error instanceof SystemError) return error;
  if (!isNodeError(error)) return new SystemError('EIO', { reason: String(error), cause: error, ...details });
  const { code, errno, syscall } = error;
  return new SystemError(code, {
    ...(typeof errno === 'number' ? { errno: Math.abs(errno) } : {}),
    ...(typeof syscall === 'string' ? { syscall } : {}),
    cause: error,
    ...details,
  });
}
