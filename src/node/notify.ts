/** Tells a service manager how the program is doing. @see sd_notify(3) */
import { Buffer } from 'node:buffer';
import { callback } from '../base/maker-rules.ts';
import type { Deadline } from '../base/provider.ts';
import type { Rule, Rules } from '../base/rules.ts';
import { flag, integer, optional, outOfRange, readOptions, requireObject, wrongType } from '../base/rules.ts';
import { UnsupportedError } from '../base/errors.ts';
import { MAX_INT32 } from '../base/deadline-rules.ts';
import { Socket } from '../posix/socket.ts';
import type { Environment } from './environment.ts';
import { wholeNumber } from './environment.ts';

/** What can be told. Several things may be told at once. */
export interface ServiceState {
  /** The service has started, or has read its configuration anew. */
  readonly ready?: boolean | undefined;
  /** It begins to read its configuration anew; `ready` follows. */
  readonly reloading?: boolean | undefined;
  /** It begins to end. */
  readonly stopping?: boolean | undefined;
  /** It is alive: see `watchdog`. */
  readonly watchdog?: boolean | undefined;
  /** One line for whoever looks: `accepting connections`. */
  readonly status?: string | undefined;
  /** Why it failed, as an errno. */
  readonly errno?: number | undefined;
  /** The process that is the service, if it is not the one that the manager started. */
  readonly mainPid?: number | undefined;
  /** Microseconds by which the current start, stop or run may take longer. */
  readonly extendTimeout?: number | undefined;
  /**
   * Descriptors that the manager keeps, and hands to the next run of the service under `name`; they stay open here too.
   * `FileDescriptorStoreMax=` must allow it. @see sd_pid_notify_with_fds(3)
   */
  readonly store?: { readonly name: string; readonly descriptors: readonly number[] } | undefined;
  /** The name under which stored descriptors are to be forgotten. */
  readonly forget?: string | undefined;
}

const MAX_DESCRIPTORS = 253;

const line: Rule<string> = (value, name) => {
  if (typeof value !== 'string') throw wrongType(name, 'one line of text', value);
  if (/[\n\0]/.test(value)) throw outOfRange(name, 'one line of text', value);
  return value;
};

/** @see sd_notify(3), FDNAME */
const storeName: Rule<string> = (value, name) => {
  const text = line(value, name);
  if (!/^[\x20-\x7e]{1,255}$/.test(text) || text.includes(':'))
    throw outOfRange(name, '1 to 255 printable ASCII characters without a colon', text);
  return text;
};

const descriptors: Rule<readonly number[]> = (value, name) => {
  if (!Array.isArray(value)) throw wrongType(name, 'an array of descriptors', value);
  const list = value.map((each: unknown, index) => integer(0, MAX_INT32)(each, `${name}[${String(index)}]`));
  if (list.length === 0 || list.length > MAX_DESCRIPTORS)
    throw outOfRange(name, `1 to ${String(MAX_DESCRIPTORS)} descriptors`, list.length);
  return list;
};

const STORE: Rules<NonNullable<ServiceState['store']>> = { name: storeName, descriptors };
const microseconds = integer(0, Number.MAX_SAFE_INTEGER);

const STATE: Rules<ServiceState> = {
  ready: optional(flag),
  reloading: optional(flag),
  stopping: optional(flag),
  watchdog: optional(flag),
  status: optional(line),
  errno: optional(integer(0, 4095)),
  mainPid: optional(integer(1, MAX_INT32)),
  extendTimeout: optional(microseconds),
  store: optional((value, name) => readOptions(requireObject(value, name), STORE, `${name}.`)),
  forget: optional(storeName),
};

type Told<K extends keyof ServiceState> = (value: NonNullable<ServiceState[K]>) => readonly string[];

const ifTrue =
  (...lines: readonly string[]) =>
  (value: boolean): readonly string[] =>
    value ? lines : [];

/** The lines for each thing that can be told. */
const LINES: { readonly [K in keyof ServiceState]-?: Told<K> } = {
  ready: ifTrue('READY=1'),
  // The manager waits for a `ready` that is later than this. @see sd_notify(3), RELOADING
  reloading: (value) =>
    value ? ['RELOADING=1', `MONOTONIC_USEC=${String(process.hrtime.bigint() / 1000n)}`] : [],
  stopping: ifTrue('STOPPING=1'),
  watchdog: ifTrue('WATCHDOG=1'),
  status: (value) => [`STATUS=${value}`],
  errno: (value) => [`ERRNO=${String(value)}`],
  mainPid: (value) => [`MAINPID=${String(value)}`],
  extendTimeout: (value) => [`EXTEND_TIMEOUT_USEC=${String(value)}`],
  store: ({ name }) => ['FDSTORE=1', `FDNAME=${name}`],
  forget: (value) => ['FDSTOREREMOVE=1', `FDNAME=${value}`],
};

function linesOf(state: ServiceState): readonly string[] {
  const keys = Object.keys(LINES) as (keyof ServiceState)[];
  return keys.flatMap((key) => {
    const value = state[key];
    return value === undefined ? [] : (LINES[key] as (value: unknown) => readonly string[])(value);
  });
}

/** @throws {UnsupportedError} the manager is at an address of another kind */
function managerPath(address: string): string {
  if (address.startsWith('@') && address.length > 1) return `\0${address.slice(1)}`;
  if (address.startsWith('/')) return address;
  throw new UnsupportedError(
    `NOTIFY_SOCKET: neither a path nor an abstract name: ${JSON.stringify(address)}`,
  );
}

/**
 * Tells the service manager that started the program. What is told is with the manager's socket when the promise fulfils.
 *
 * @returns `false`, and nothing is done, where no manager wants to hear (`NOTIFY_SOCKET` is not set)
 * @throws {TypeError | RangeError} `state` is none, also where nobody would hear it
 * @throws {UnsupportedError} the manager is at an address of a kind that is not known here
 * @throws {SystemError} `ENOENT`, `ECONNREFUSED` (nobody is there), `EBADF` (of `store`), `ETIMEDOUT` …
 * @see sd_notify(3)
 */
export async function notify(
  state: ServiceState,
  deadline: Deadline = {},
  env: Environment = process.env,
): Promise<boolean> {
  const told = readOptions(requireObject(state, 'state'), STATE, 'state.');
  if (told.store !== undefined && told.forget !== undefined)
    throw new RangeError('state: expected one of store and forget, got both, for which there is one name');
  const lines = linesOf(told);
  if (lines.length === 0) throw new RangeError('state: expected something to tell, got nothing');
  const address = env['NOTIFY_SOCKET'];
  if (address === undefined || address === '') return false;
  const path = managerPath(address);
  using socket = Socket.socket('AF_UNIX', 'SOCK_DGRAM');
  const rights = told.store?.descriptors;
  await socket.sendMsgAsync(
    {
      data: Buffer.from(lines.join('\n')),
      address: { family: 'unix', path },
      ...(rights === undefined
        ? {}
        : { control: [{ level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: rights }] }),
    },
    deadline as { signal?: AbortSignal; timeout?: number },
  );
  return true;
}

export interface WatchdogOptions {
  /** Told when the manager could not be told. Default: a process warning. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Reassures the manager until it is stopped. */
export interface Watchdog extends Disposable {
  /** Milliseconds between two reassurances. */
  readonly interval: number;
  /** Ends it: the manager will take the service for hung, unless another says that it is not. Again: nothing. */
  stop(): void;
}

const WATCHDOG: Rules<{ onError: WatchdogOptions['onError'] }> = {
  onError: optional(callback<(error: unknown) => void>),
};

/** Twice within the manager's patience. @see sd_watchdog_enabled(3) */
const SHARE = 2;
const MICROSECONDS = 1000;

/**
 * Tells the manager again and again that the program's loop turns, as often as the manager wants it (`WatchdogSec=`). It keeps
 * no process alive.
 *
 * @returns `false`, and nothing is done, where no manager asks this process for it
 * @throws {TypeError | RangeError} `WATCHDOG_USEC` or `WATCHDOG_PID` is no number
 */
export function watchdog(options: WatchdogOptions = {}, env: Environment = process.env): Watchdog | false {
  const { onError } = readOptions(requireObject(options, 'options'), WATCHDOG);
  const period = wholeNumber(env, 'WATCHDOG_USEC', 1);
  const pid = wholeNumber(env, 'WATCHDOG_PID', 1, MAX_INT32);
  if (period === undefined || (pid !== undefined && pid !== process.pid)) return false;
  const fail = onError ?? warn;
  const interval = Math.min(Math.max(1, Math.floor(period / MICROSECONDS / SHARE)), MAX_INT32);
  const reassure = (): void => {
    notify({ watchdog: true }, { timeout: interval }, env).catch(fail);
  };
  reassure();
  const timer = setInterval(reassure, interval).unref();
  const stop = (): void => {
    clearInterval(timer);
  };
  return { interval, stop, [Symbol.dispose]: stop };
}

function warn(error: unknown): void {
  const text = error instanceof Error ? error.message : String(error);
  process.emitWarning(`the service manager was not told: ${text}`, 'PortsideWarning');
}
