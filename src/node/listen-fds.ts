/** Sockets that a service manager has opened for the program. @see sd_listen_fds(3), systemd.socket(5) */
import { fstatSync } from 'node:fs';
import { isSocketError, SystemError } from '../base/errors.ts';
import {
  flag,
  optional,
  readWith,
  requireKnown,
  requireObject,
  withDefault,
  wrongType,
} from '../base/rules.ts';
import type { Rule, Rules } from '../base/rules.ts';
import { MAX_INT32 } from '../base/deadline-rules.ts';
import { below } from '../facades/portside/below.ts';
import { judgeAdoption } from '../facades/portside/rules.ts';
import type { WebStreams } from '../facades/portside/web-streams.ts';
import type { Context } from './context.ts';
import type { Environment } from './environment.ts';
import { wholeNumber } from './environment.ts';
import type { FromFdOptions, SocketOfFd } from './from-fd.ts';
import { fromFd, SOCKET_OPTIONS } from './from-fd.ts';

/** @see sd_listen_fds(3), SD_LISTEN_FDS_START */
const FIRST = 3;
const VARIABLES = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID'] as const;
/** What a descriptor is called for which there is no name. @see sd_listen_fds_with_names(3) */
const UNNAMED = 'unknown';
/** What makes a descriptor one that the program has to look after itself. */
const NO_SOCKET_OF_OURS: readonly string[] = [
  'EAFNOSUPPORT',
  'ENOTCONN',
  'ENOTSOCK',
  'EPROTONOSUPPORT',
  'ESOCKTNOSUPPORT',
];

type SocketsOptions = Omit<FromFdOptions, 'head' | 'ownership'>;

export interface ListenFdsOptions extends SocketsOptions {
  /** Names that must be there, as `FileDescriptorName=` has them. Default: none must. */
  readonly names?: readonly string[] | undefined;
  /** Takes the variables out of the environment, so that no child takes itself for the one that is meant. Default true. */
  readonly unsetEnvironment?: boolean | undefined;
}

/** A descriptor that the manager has handed over. It is the program's to close. */
export type PassedSocket<Web extends WebStreams> = {
  /** `FileDescriptorName=` of the socket unit, or else the unit's name; `unknown` where the manager tells none. */
  readonly name: string;
  readonly fd: number;
} & (
  | SocketOfFd<Web>
  /** A FIFO, a file, or a socket that Portside has no class for (netlink, raw IP, vsock …). */
  | { readonly kind: 'other' }
);

const nameList: Rule<readonly string[]> = (value, name) => {
  if (!Array.isArray(value)) throw wrongType(name, 'an array of names', value);
  return value.map((each: unknown, index) => {
    if (typeof each !== 'string') throw wrongType(`${name}[${String(index)}]`, 'a name', each);
    return each;
  });
};

const OPTIONS: Rules<Required<Pick<ListenFdsOptions, 'names' | 'unsetEnvironment'>>> = {
  names: withDefault(optional(nameList), []),
  unsetEnvironment: withDefault(flag, true),
};

interface Passed {
  readonly name: string;
  readonly fd: number;
}

/** What the environment says. @throws {TypeError | RangeError | SystemError} it says what cannot be, or is not so */
function passedBy(env: Environment): readonly Passed[] {
  const pid = wholeNumber(env, 'LISTEN_PID', 1, MAX_INT32);
  const count = wholeNumber(env, 'LISTEN_FDS', 0, MAX_INT32 - FIRST);
  if (pid !== process.pid || count === undefined) return [];
  const given = env['LISTEN_FDNAMES']?.split(':');
  if (given !== undefined && count > 0 && given.length !== count)
    throw new RangeError(
      `LISTEN_FDNAMES: expected ${String(count)} names, as LISTEN_FDS says, got ${String(given.length)}`,
    );
  const passed: Passed[] = [];
  // Each is looked at before there is a row for the next: the number may be a wrong one of any size.
  for (let index = 0; index < count; index++) {
    const fd = FIRST + index;
    requireOpen(fd);
    passed.push({ name: given?.[index] ?? UNNAMED, fd });
  }
  return passed;
}

/**
 * Takes over the descriptors with which a service manager has started this process, in the manager's order. Each is made
 * close-on-exec. A server of them does not remove its Unix path when it closes: that is the manager's.
 *
 * @returns an empty list where there are none, or where they are meant for another process
 * @throws {TypeError | RangeError} an option cannot be, the environment says what cannot be, or a name of `names` is not
 *   there; nothing was taken
 * @throws {UnsupportedError} one of the sockets has not an option of `options`; what was taken until then is closed
 * @throws {SystemError} `EBADF`: a descriptor is not open; nothing was taken
 * @throws {UnsupportedError} there is no native engine
 * @see sd_listen_fds(3)
 */
export function listenFds<Web extends WebStreams>(
  context: Context<Web>,
  options: ListenFdsOptions = {},
  env: Environment = process.env,
): readonly PassedSocket<Web>[] {
  const { names, unsetEnvironment, ...rest } = requireObject(options, 'options') as ListenFdsOptions;
  const plan = readWith({ names, unsetEnvironment }, OPTIONS, 'options.');
  requireKnown(options, { ...OPTIONS, ...SOCKET_OPTIONS }, 'options.');
  judgeAdoption(rest);
  const passed = passedBy(env);
  const missing = plan.names?.filter((name) => !passed.some((each) => each.name === name)) ?? [];
  if (missing.length > 0)
    throw new RangeError(`options.names: no descriptor came by the name of ${missing.join(', ')}`);
  if (plan.unsetEnvironment === true) for (const name of VARIABLES) Reflect.deleteProperty(env, name);
  return takeAll(context, passed, rest);
}

function takeAll<Web extends WebStreams>(
  context: Context<Web>,
  passed: readonly Passed[],
  options: SocketsOptions,
): readonly PassedSocket<Web>[] {
  const sockets: PassedSocket<Web>[] = [];
  try {
    for (const each of passed) sockets.push({ ...each, ...taken(context, each.fd, options) });
  } catch (error) {
    // Nobody will have them.
    for (const each of sockets) if (each.kind !== 'other') below(each.socket)?.abort();
    throw error;
  }
  return sockets;
}

/** @throws {SystemError} */
function requireOpen(fd: number): void {
  try {
    fstatSync(fd);
  } catch (cause) {
    throw new SystemError('EBADF', {
      op: 'listenFds',
      reason: `descriptor ${String(fd)} is not open, although LISTEN_FDS says so`,
      cause,
    });
  }
}

function taken<Web extends WebStreams>(
  context: Context<Web>,
  fd: number,
  options: SocketsOptions,
): SocketOfFd<Web> | { readonly kind: 'other' } {
  try {
    return fromFd(context, fd, { ...options, ownership: 'take' });
  } catch (error) {
    if (isSocketError(error) && NO_SOCKET_OF_OURS.includes(error.code)) return { kind: 'other' };
    throw error;
  }
}
