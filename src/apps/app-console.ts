/** The app's `console`: Node's own formatting, with each message handed over whole, with its level. */
import { Console } from 'node:console';
import { Writable } from 'node:stream';

export type ConsoleLevel = 'debug' | 'error' | 'info' | 'log' | 'warn';

/** Takes one message of the app. It may have several lines, and no line end at its end. */
export type WriteMessage = (level: ConsoleLevel, message: string) => void;

/** The console's functions and the level that each one's messages have. */
const METHODS: Readonly<Record<string, ConsoleLevel>> = {
  assert: 'error',
  clear: 'log',
  count: 'log',
  countReset: 'warn',
  debug: 'debug',
  dir: 'log',
  dirxml: 'log',
  error: 'error',
  group: 'log',
  groupCollapsed: 'log',
  groupEnd: 'log',
  info: 'info',
  log: 'log',
  table: 'log',
  time: 'log',
  timeEnd: 'log',
  timeLog: 'log',
  trace: 'error',
  warn: 'warn',
};

/** Makes a `console` whose messages go to `write`. */
export function createConsole(write: WriteMessage): Readonly<Record<string, (...args: unknown[]) => void>> {
  let level: ConsoleLevel = 'log';
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => {
      write(level, chunk.endsWith('\n') ? chunk.slice(0, -1) : chunk);
      done();
    },
  });
  const inner = new Console({ stdout: stream, stderr: stream, colorMode: false }) as unknown as Record<
    string,
    (...args: unknown[]) => void
  >;
  const functions = Object.entries(METHODS).map(([name, methodLevel]) => {
    const method = (...args: unknown[]): void => {
      level = methodLevel;
      inner[name]?.(...args);
    };
    return [name, method] as const;
  });
  return Object.fromEntries(functions);
}
