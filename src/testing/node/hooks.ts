/** What the suites can only do with Node's help. */
import type { SuiteOptions, UncaughtCapture } from '../suite.ts';
import { countDescriptors } from './leak-check.ts';
import { tempFiles } from './temp-path.ts';

/** The options of a suite that are the same for every provider of real sockets on Node. */
export function nodeHooks(): SuiteOptions {
  return { captureUncaught, detach, files: tempFiles, resources: countDescriptors };
}

function detach(buffer: ArrayBuffer): void {
  structuredClone(buffer, { transfer: [buffer] });
}

const EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

/** Takes uncaught exceptions and rejections away from `node:test`, which would fail the running test for them. */
function captureUncaught(): UncaughtCapture {
  const caught: unknown[] = [];
  const waiting: ((error: unknown) => void)[] = [];
  const take = (error: unknown): void => {
    const next = waiting.shift();
    if (next === undefined) caught.push(error);
    else next(error);
  };
  const others = EVENTS.map((event) => process.listeners(event as 'uncaughtException'));
  for (const event of EVENTS) {
    process.removeAllListeners(event);
    process.on(event, take);
  }
  return {
    next: () =>
      new Promise((resolve) => {
        if (caught.length > 0) resolve(caught.shift());
        else waiting.push(resolve);
      }),
    stop: () => {
      for (const [i, event] of EVENTS.entries()) {
        process.off(event, take);
        for (const other of others[i] ?? []) process.on(event, other);
      }
      if (caught.length > 0) throw new AggregateError(caught, 'more was uncaught than was asked for');
    },
  };
}
