/** Socket options by their numbers, with values converted loosely. The table of what there is, is that of posix. */
import { errorNumbers } from '../posix/constants.ts';
import type { OptionRowInfo } from '../posix/option-calls.ts';
import { optionByNumber } from '../posix/option-calls.ts';
import type { Socket as PosixSocket } from '../posix/socket.ts';
import { Failure, invalid, judged } from './failure.ts';
import { kindOf, optionFromPosix, optionToPosix, queryToPosix } from './option-values.ts';

/** What an option is read as: its kind depends on the option. */
export type OptionValue =
  boolean | number | bigint | string | Buffer | readonly unknown[] | Readonly<Record<string, unknown>> | null;

function rowOf(level: number, option: number, access: 'r' | 'w'): OptionRowInfo {
  const row = optionByNumber(level, option, access);
  if (row === undefined) throw invalid('Unknown socket level or option');
  if (row.access.includes(access)) return row;
  const only = access === 'r' ? 'write' : 'read';
  throw new Failure(errorNumbers.EOPNOTSUPP, `Socket option is ${only} only`);
}

/** Sockets' options by any name: which name has which type is not known where names come from numbers. */
interface AnyOptions {
  getOption(level: string, name: string, ...query: unknown[]): unknown;
  setOption(level: string, name: string, value: unknown): void;
}

/** @param query for options that are read by asking, what is asked */
export function readOption(socket: PosixSocket, level: number, option: number, query: unknown): OptionValue {
  const row = rowOf(level, option, 'r');
  const { level: levelName, name } = row;
  const codec = kindOf(row);
  const question = queryToPosix(codec, query);
  const value = judged(() =>
    question === undefined
      ? (socket as unknown as AnyOptions).getOption(levelName, name)
      : (socket as unknown as AnyOptions).getOption(levelName, name, question),
  );
  return optionFromPosix(codec, value) as OptionValue;
}

export function writeOption(socket: PosixSocket, level: number, option: number, value: unknown): void {
  const row = rowOf(level, option, 'w');
  const { level: levelName, name } = row;
  const given = optionToPosix(kindOf(row), value);
  judged(() => {
    (socket as unknown as AnyOptions).setOption(levelName, name, given);
  });
}
