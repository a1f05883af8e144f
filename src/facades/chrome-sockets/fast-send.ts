import type { Answers, Callback } from './answers.ts';
import type { AppFunction } from './bind-calls.ts';
import { isArrayBuffer } from './check-args.ts';
import type { TcpCalls } from './tcp-calls.ts';

/**
 * `sockets.tcp.send`, without making anything for arguments that are plainly right. All else, wrong or only unusual, goes
 * the way of every other function.
 */
export function makeSend(calls: TcpCalls, answers: Answers, checked: AppFunction): AppFunction {
  return function send(socketId?: unknown, data?: unknown, callback?: unknown): unknown {
    if (
      arguments.length === 3 &&
      typeof socketId === 'number' &&
      (socketId | 0) === socketId &&
      typeof callback === 'function' &&
      (ArrayBuffer.isView(data) || isArrayBuffer(data)) &&
      !answers.isOver
    ) {
      calls.send(socketId, data, callback as Callback);
      return undefined;
    }
    // Only the number of arguments counts beyond the third.
    return arguments.length > 3 ? checked(socketId, data, callback, null) : checked(socketId, data, callback);
  };
}
