/** Questions to the system's resolver, with and without blocking the thread, and the errors that it answers. */
import { loadNative } from '../addon/load.ts';
import type { NativeAnswer, NativeNames } from '../addon/native-names.ts';
import { systemError } from '../addon/system-errors.ts';
import type { AbortSignalLike } from '../base/abort.ts';
import { onAbort } from '../base/abort.ts';
import type { SocketError } from '../base/errors.ts';
import { BusyError, ResolveError } from '../base/errors.ts';
import type { AsyncWait } from './waiting.ts';
import { limitOf } from './waiting.ts';

/** Who asks what: for errors. */
export interface Subject {
  readonly op: 'resolve' | 'nameInfo';
  /** The call of the system that is made. */
  readonly syscall: 'getaddrinfo' | 'getnameinfo';
  /** What is looked up, as text; empty for no host. */
  readonly host: string;
  readonly service?: string | undefined;
}

/** Asks the pool. @returns an id, or a negative errno */
export type Ask = (names: NativeNames) => number;

/** The lookups of this thread that are under way, by their ids. */
const pending = new Map<number, (answer: NativeAnswer) => void>();
let names: NativeNames | undefined;

function getNames(): NativeNames {
  names ??= loadNative().createNames((id, answer) => {
    const settle = pending.get(id);
    pending.delete(id);
    settle?.(answer);
  });
  return names;
}

/** What of the answer is wrong, if it is no answer. */
function answerError({ code, errno }: NativeAnswer, { op, syscall, host, service }: Subject): ResolveError {
  const { resolveErrors } = loadNative();
  const found = Object.entries(resolveErrors).find(([, number]) => number === code);
  const cause =
    code === resolveErrors.EAI_SYSTEM && errno !== 0 ? systemError(-errno, syscall, { op }) : undefined;
  return new ResolveError(found?.[0] ?? `EAI_${String(code)}`, host, { op, service, cause });
}

function askError(result: number, { op }: Subject): SocketError {
  if (result === -loadNative().errorNumbers.EBUSY)
    return new BusyError({ op, reason: 'too many lookups of this thread are waiting already' });
  return systemError(result, 'pthread_create', { op });
}

/** @returns the answer, if it is one. @throws {ResolveError} */
export function checkAnswer(answer: NativeAnswer, subject: Subject): NativeAnswer {
  if (answer.code === 0) return answer;
  throw answerError(answer, subject);
}

/** Waits for an answer, and no longer than the signal says. */
function answerTo(id: number, signal: AbortSignalLike): Promise<NativeAnswer> {
  return new Promise((resolve, reject) => {
    const offAbort = onAbort(signal, () => {
      pending.delete(id);
      getNames().cancel(id);
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the caller's own reason, whatever it is
      reject(signal.reason);
    });
    pending.set(id, (answer) => {
      offAbort();
      resolve(answer);
    });
  });
}

/**
 * Asks the pool, which has four threads for the whole process, of which one thread of JavaScript uses at most three.
 *
 * @throws {ResolveError}
 * @throws {SystemError} ETIMEDOUT; EAGAIN, ENOMEM: there is no thread
 * @throws {BusyError} 1024 lookups of this thread are waiting already
 * @throws the signal's reason
 */
export async function ask(question: Ask, subject: Subject, wait: AsyncWait): Promise<NativeAnswer> {
  if (wait.signal?.aborted === true) throw wait.signal.reason;
  const id = question(getNames());
  if (id < 0) throw askError(id, subject);
  const { errorNumbers } = loadNative();
  const limit = limitOf(wait, () =>
    systemError(-errorNumbers.ETIMEDOUT, subject.syscall, { op: subject.op }),
  );
  try {
    return checkAnswer(await answerTo(id, limit.signal), subject);
  } finally {
    limit.end();
  }
}
