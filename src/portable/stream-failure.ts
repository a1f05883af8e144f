/** What a stream broke of, in the words of the contract. */
import type { ErrorDetails, SocketError } from '../base/errors.ts';
import { BrokenError, isSocketError, SystemError, TlsError } from '../base/errors.ts';
import { toSystemError } from './node-errors.ts';
import { isTlsLibraryError, toTlsError } from './tls-errors.ts';

/** @param role of a stream that speaks TLS */
export function wordFailure(
  error: Error,
  role: 'client' | 'server' | undefined,
  details: ErrorDetails,
): SocketError {
  if (isSocketError(error)) return error;
  if (role === undefined || !isTlsLibraryError(error)) return toSystemError(error, details);
  return toTlsError(error, role, details);
}

/** The error that a stream tells of its failure. @param op what was done; default what failed */
export function brokenBy(
  failure: SocketError | undefined,
  op: string | undefined,
  details: ErrorDetails,
): BrokenError {
  if (failure instanceof TlsError)
    return new BrokenError({ ...details, op: op ?? 'read', cause: failure, reason: failure.reason });
  // What broke below TLS is what broke.
  const cause: unknown = failure instanceof BrokenError ? failure.cause : failure;
  const syscall = cause instanceof SystemError ? cause.syscall : undefined;
  return new BrokenError({ ...details, op: op ?? syscall, cause });
}
