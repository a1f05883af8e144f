/** Makes what an app's script threw readable: its message, the places in the app's files, and a hint where one helps. */
import { join, sep } from 'node:path';
import { inspect, types } from 'node:util';

/** A place in one of the app's files. `file` is the path that the user would type. */
export interface ScriptPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A thrown value in words. */
export interface ThrownReport {
  /** `TypeError: x is not a function`. */
  readonly message: string;
  /** Where it was thrown, if that is in the app. */
  readonly place: ScriptPlace | undefined;
  /**
   * The app's own frames, innermost first: `at accept (examples/echo/background.js:12:5)`. If there are none, those of
   * whatever threw.
   */
  readonly frames: readonly string[];
  /** What to know of it in Portside. */
  readonly hint: string | undefined;
}

/** Where the app's files really are, and how the user calls that folder. */
export interface ErrorFolder {
  readonly root: string;
  readonly folder: string;
}

const NO_DOCUMENT = "Portside runs an app's background scripts, which have no document or pages";
const NO_NETWORK = 'in Portside the only network is chrome.sockets, which the manifest permits';
const NO_STORAGE = 'Portside has no storage for apps yet';

/** Globals that a background page has in Chrome and not here. */
const MISSING_GLOBALS: Readonly<Record<string, string>> = {
  Audio: NO_DOCUMENT,
  DOMParser: NO_DOCUMENT,
  EventSource: NO_NETWORK,
  HTMLElement: NO_DOCUMENT,
  Image: NO_DOCUMENT,
  WebSocket: NO_NETWORK,
  Worker: 'Portside has no workers for apps',
  XMLHttpRequest: NO_NETWORK,
  alert: NO_DOCUMENT,
  caches: NO_STORAGE,
  document: NO_DOCUMENT,
  fetch: NO_NETWORK,
  indexedDB: NO_STORAGE,
  localStorage: NO_STORAGE,
  require: "an app's scripts are not Node modules; list each file in app.background.scripts",
  requestAnimationFrame: NO_DOCUMENT,
};

function hintFor(message: string): string | undefined {
  const missing = /^ReferenceError: (\w+) is not defined$/.exec(message)?.[1];
  if (missing !== undefined && Object.hasOwn(MISSING_GLOBALS, missing)) return MISSING_GLOBALS[missing];
  return message.startsWith('EvalError: ')
    ? "as in Chrome, an app has no eval and no 'new Function'"
    : undefined;
}

/** Whether a value is an error of any realm, or a `DOMException`. A proxy may throw when it is asked. */
function isError(thrown: unknown): thrown is Error {
  return types.isNativeError(thrown) || thrown instanceof Error;
}

/** The stack's text. Reading it may run the app's own code, which may throw. */
function stackOf(thrown: unknown): string {
  try {
    const stack: unknown = isError(thrown) ? thrown.stack : '';
    if (typeof stack === 'string') return stack;
  } catch {
    // It is not to be trusted then; it is shown as any other value.
  }
  return '';
}

function messageOf(thrown: unknown): string {
  try {
    if (isError(thrown)) return String(thrown);
    return typeof thrown === 'string' ? thrown : inspect(thrown, { depth: 2 });
  } catch {
    return 'a value that cannot be shown';
  }
}

/** V8 puts the place of a syntax error above the message, with a line of marks under the source. */
function syntaxPlace(stack: string): { file: string; line: number; column: number } | undefined {
  const [head = '', , marks = ''] = stack.split('\n');
  const match = /^(\/.*):(\d+)$/.exec(head);
  if (match === null) return undefined;
  const column = /^[\t ]*\^+\s*$/.test(marks) ? marks.indexOf('^') + 1 : 1;
  return { file: match[1] ?? '', line: Number(match[2]), column };
}

/** Whether the app's own code is anywhere on the error's stack, or there is no stack to tell by. */
export function isFromApp({ root }: ErrorFolder, thrown: unknown): boolean {
  const stack = stackOf(thrown);
  return stack === '' || stack.includes(`${root}${sep}`);
}

const FRAME = /^(\s+at )(?:(.*) \()?([^()]*):(\d+):(\d+)\)?$/;

/** One frame in short, or `undefined` if it is not the app's. */
function appFrame(
  { root, folder }: ErrorFolder,
  line: string,
): { text: string; place: ScriptPlace } | undefined {
  const [, , name, file = '', row, column] = FRAME.exec(line) ?? [];
  const prefix = `${root}${sep}`;
  if (!file.startsWith(prefix)) return undefined;
  const place = { file: join(folder, file.slice(prefix.length)), line: Number(row), column: Number(column) };
  const where = formatPlace(place);
  return { text: name === undefined ? `at ${where}` : `at ${name} (${where})`, place };
}

/** Shortens stacks within a text to the app's own frames. Other lines stay as they are. */
export function cleanStacks(folder: ErrorFolder, text: string): string {
  if (!/^\s+at /m.test(text)) return text;
  const lines = text.split('\n').flatMap((line) => {
    const indent = FRAME.exec(line)?.[1];
    if (indent === undefined) return [line];
    const frame = appFrame(folder, line);
    return frame === undefined ? [] : [`${indent.slice(0, -3)}${frame.text}`];
  });
  return lines.join('\n');
}

/** Reads what can be told of a thrown value, which may be anything. */
export function describeThrown(folder: ErrorFolder, thrown: unknown): ThrownReport {
  const stack = stackOf(thrown);
  const message = messageOf(thrown);
  const frames = stack.split('\n').flatMap((line) => appFrame(folder, line) ?? []);
  const syntax = syntaxPlace(stack);
  const prefix = `${folder.root}${sep}`;
  const place =
    syntax?.file.startsWith(prefix) === true
      ? { ...syntax, file: join(folder.folder, syntax.file.slice(prefix.length)) }
      : frames[0]?.place;
  // An error that no code of the app is on the stack of would otherwise say nothing of where it comes from.
  const foreign = stack.split('\n').filter((line) => FRAME.test(line));
  const texts = place !== undefined ? frames.map(({ text }) => text) : foreign.map((line) => line.trim());
  return { message, place, frames: texts, hint: hintFor(message) };
}

/** `examples/echo/background.js:12:5` */
export function formatPlace({ file, line, column }: ScriptPlace): string {
  return `${file}:${String(line)}:${String(column)}`;
}
