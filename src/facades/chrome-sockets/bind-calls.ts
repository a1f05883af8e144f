import type { Answers, Callback } from './answers.ts';
import type { CheckOptions } from './check-args.ts';
import { makeCheck } from './check-args.ts';
import type { Signature } from './signatures.ts';

/** A function as the app sees it. */
export type AppFunction = (...given: unknown[]) => unknown;

/** Calls `run` with a callback that settles the promise which the app gets. */
function promise(answers: Answers, run: (callback: Callback) => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    run((value) => {
      const error = answers.lastError;
      if (error === undefined) resolve(value);
      else reject(new Error(error.message));
    });
  });
}

function bindCall(
  target: object,
  run: unknown,
  signature: Signature,
  answers: Answers,
  options: CheckOptions,
): AppFunction {
  const check = makeCheck(signature, options);
  const isPromising = signature.promise && options.promises === 'allowed';
  return (...given) => {
    const checked = check(given);
    if (answers.isOver) throw new Error('Extension context invalidated.');
    const call = (args: readonly unknown[]): unknown => Reflect.apply(run as AppFunction, target, args);
    if (!isPromising || checked.at(-1) !== undefined) {
      call(checked);
      return undefined;
    }
    return promise(answers, (callback) => call([...checked.slice(0, -1), callback]));
  };
}

/** What `bindCalls` needs to know. */
export interface BindOptions extends CheckOptions {
  readonly answers: Answers;
}

/**
 * Makes the functions of a namespace: each checks its arguments against its row of the table, throwing a TypeError at once
 * if they are wrong, and calls the method of the same name of `calls` with one value a parameter and the callback.
 */
export function bindCalls<Name extends string>(
  calls: Readonly<Record<Name, unknown>>,
  signatures: Readonly<Record<Name, Signature>>,
  options: BindOptions,
): Record<Name, AppFunction> {
  const names = Object.keys(signatures) as Name[];
  const bound = names.map(
    (name) => [name, bindCall(calls, calls[name], signatures[name], options.answers, options)] as const,
  );
  return Object.fromEntries(bound) as Record<Name, AppFunction>;
}
