import assert from 'node:assert/strict';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AppLoadError, Background } from './background.ts';
import { createChromeObject } from './chrome-object.ts';
import type { App } from './manifest.ts';

let root = '';
let count = 0;

before(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'portside-background-')));
});
after(() => rm(root, { recursive: true, force: true }));

interface Page {
  readonly background: Background;
  readonly messages: string[];
  /** Settles when the console has had a message that matches. */
  waitFor(pattern: RegExp): Promise<void>;
}

/** A page with these scripts, not run yet. `chrome.sockets.echo` is a function that gives back what it is given. */
async function makePage(...sources: readonly string[]): Promise<Page> {
  const scripts = [];
  for (const source of sources) {
    count += 1;
    const entry = `s${String(count)}.js`;
    await writeFile(join(root, entry), source);
    scripts.push({ entry, file: join(root, entry) });
  }
  const manifest = { name: 'Test', sockets: {} };
  const app: App = {
    kind: 'chrome-app',
    isModule: false,
    name: 'Test',
    version: '1',
    id: 'a'.repeat(32),
    root,
    scripts,
    manifest,
    warnings: [],
  };
  const messages: string[] = [];
  let listen: (message: string) => void = () => undefined;
  const sockets = {
    buffer: () => new ArrayBuffer(4),
    isBuffer: (value: unknown) => value instanceof ArrayBuffer,
    isBytes: (value: unknown) => value instanceof Uint8Array,
    list: () => [{ id: 1 }],
    fail: () => {
      throw new TypeError('bad argument');
    },
    promise: () => Promise.resolve(1),
  };
  const background = new Background({
    app,
    folder: 'APP',
    makeApi: (report) => createChromeObject({ sockets, runtime: {} }, app, report),
    version: '9.9.9',
    write: (level, message) => {
      messages.push(`${level}: ${message}`);
      listen(`${level}: ${message}`);
    },
  });
  const waitFor = (pattern: RegExp): Promise<void> =>
    new Promise((resolve) => {
      listen = (message) => {
        if (pattern.test(message)) resolve();
      };
      if (messages.some((message) => pattern.test(message))) resolve();
    });
  return { background, messages, waitFor };
}

/** The first line of each message. */
function headlines({ messages }: Page): string[] {
  return messages.map((message) => message.split('\n')[0] ?? '');
}

/** Runs scripts, and gives what they have logged by the end of the load. */
async function logOf(...sources: readonly string[]): Promise<string[]> {
  const page = await makePage(...sources);
  await page.background.run();
  page.background.close();
  return page.messages;
}

test('Background runs scripts in order in one global scope', async () => {
  const first = 'var a = 1; let b = 2; const c = 3; function d() { return a + b + c; } class E {}';
  const log = await logOf(
    first,
    'console.log(d(), typeof E, window.a, window.b, "d" in window); a = 10;',
    'console.log(d())',
  );
  assert.deepEqual(log, ['log: 6 function 1 undefined true', 'log: 15']);
});

test('Background lets microtasks run between scripts', async () => {
  const first = 'var x = 0; Promise.resolve().then(() => 1).then(() => queueMicrotask(() => { x = 1; }));';
  assert.deepEqual(await logOf(first, 'console.log(x)'), ['log: 1']);
});

test('Background makes sloppy scripts sloppy and strict ones strict', async () => {
  const log = await logOf(
    'implicit = 5; console.log((function () { return this === window; })(), implicit);',
    '"use strict"; console.log((function () { return this; })());',
  );
  assert.deepEqual(log, ['log: true 5', 'log: undefined']);
});

/** Expressions that must be true in an app. */
const TRUTHS: readonly string[] = [
  'this === window && self === window && globalThis === window && top === window && window.window === window',
  // Values made outside.
  'chrome.sockets.buffer() instanceof ArrayBuffer',
  'chrome.sockets.buffer().constructor === ArrayBuffer',
  'chrome.sockets.list() instanceof Array && Array.isArray(chrome.sockets.list())',
  'chrome.sockets.list()[0] instanceof Object',
  'chrome.sockets.buffer instanceof Function',
  'chrome.sockets.promise() instanceof Promise',
  '(() => { try { chrome.sockets.fail(); } catch (e) { return e instanceof TypeError && e instanceof Error && !(e instanceof RangeError); } })()',
  'new TextEncoder().encode("x") instanceof Uint8Array',
  'structuredClone([1]) instanceof Array && structuredClone(new Map()) instanceof Map',
  // Values of the app, outside.
  'chrome.sockets.isBuffer(new ArrayBuffer(1)) && chrome.sockets.isBuffer(new Uint16Array([1]).buffer)',
  'chrome.sockets.isBytes(Uint8Array.of(1)) && chrome.sockets.isBytes(new Uint8Array(2).subarray(1))',
  'chrome.sockets.isBuffer(new WebAssembly.Memory({ initial: 1 }).buffer)',
  // The app's own values, which must not suffer.
  '[] instanceof Array && ({}) instanceof Object && (() => 1) instanceof Function && /x/ instanceof RegExp',
  'new Error("x") instanceof Error && !(new Error("x") instanceof TypeError) && !({} instanceof Error)',
  '(async () => 1)() instanceof Promise',
  '(() => { class A extends Error {} return new A() instanceof A && !(new Error() instanceof A) && new A() instanceof Error; })()',
  '(() => { class B extends Array {} return !(chrome.sockets.list() instanceof B); })()',
  '(() => { try { null.x; } catch (e) { return e instanceof TypeError; } })()',
  // What a background page has.
  '["AbortController", "Blob", "CustomEvent", "Event", "EventTarget", "File", "FileReader", "MessageChannel", "TextDecoder", "URL", "URLSearchParams", "atob", "clearInterval", "queueMicrotask", "setInterval", "structuredClone"].every((name) => typeof window[name] === "function")',
  'typeof crypto.subtle.digest === "function" && crypto.getRandomValues(new Uint8Array(4)).length === 4 && crypto.randomUUID().length === 36',
  'atob(btoa("hello")) === "hello" && typeof performance.now() === "number"',
  'URL.createObjectURL(new Blob(["x"])).startsWith("blob:")',
  'location.href === "chrome-extension://" + "a".repeat(32) + "/_generated_background_page.html" && String(location) === location.href',
  'chrome.runtime.getURL("x.png") === "chrome-extension://" + "a".repeat(32) + "/x.png" && chrome.runtime.id === "a".repeat(32)',
  'chrome.runtime.getManifest().name === "Test" && chrome.runtime.lastError === undefined',
  '/Chrome\\/\\d+/.test(navigator.userAgent) && /Portside\\/9\\.9\\.9$/.test(navigator.userAgent) && navigator.hardwareConcurrency > 0',
  'typeof navigator.language === "string" && typeof navigator.onLine === "boolean" && typeof navigator.platform === "string"',
  // What it must not have.
  '["process", "require", "Buffer", "global", "module", "__dirname", "document", "fetch", "XMLHttpRequest", "WebSocket", "setImmediate"].every((name) => eval === eval && !(name in window))',
  '(() => { try { eval("1"); } catch (e) { return e.name === "EvalError"; } })()',
  '(() => { try { new Function("return 1"); } catch (e) { return e.name === "EvalError"; } })()',
  'Object.keys(window).every((name) => name.startsWith("on"))',
];

for (const expression of TRUTHS) {
  test(`Background gives the app what it expects: ${expression}`, async () => {
    assert.deepEqual(await logOf(`console.log(${expression})`), ['log: true']);
  });
}

test('Background names the script, line and column of an error at load', async () => {
  const page = await makePage(
    'var ok = 1;',
    'function f() {\n  document.title = 1;\n}\nf();',
    'console.log("not run")',
  );
  await assert.rejects(page.background.run(), (error) => {
    assert.ok(error instanceof AppLoadError);
    assert.match(error.message, /^APP\/s\d+\.js:2:3: Uncaught ReferenceError: document is not defined$/);
    assert.equal(error.report.frames.length, 2);
    assert.match(error.report.frames[0] ?? '', /^at f \(APP\/s\d+\.js:2:3\)$/);
    assert.match(error.report.hint ?? '', /no document/);
    return true;
  });
  assert.deepEqual(page.messages, []);
});

test('Background names the place of a syntax error', async () => {
  const page = await makePage('var a;\n  let = @;');
  await assert.rejects(page.background.run(), {
    message: /^APP\/s\d+\.js:2:9: Uncaught SyntaxError: Invalid or unexpected token$/,
  });
});

test('Background asks window.onerror about errors, also at load', async () => {
  const log = await logOf(
    'window.onerror = function (message, file, line, column, error) { console.log(message, line, column, error.x); return true; };',
    'var e = new Error("bang"); e.x = 7;\nthrow e;',
    'console.log("goes on");',
  );
  assert.deepEqual(log, ['log: Uncaught Error: bang 1 9 7', 'log: goes on']);
});

test('Background reports what timers, microtasks and rejections throw, and goes on', async () => {
  const page = await makePage(`
    setTimeout(function () { throw new RangeError('timer'); }, 0);
    setTimeout(function () { console.log('args', arguments.length, this === window); }, 0, 1, 2);
    queueMicrotask(() => { throw 'text'; });
    setTimeout(() => console.log('last'), 5);
  `);
  await page.background.run();
  await page.waitFor(/last/);
  page.background.close();
  const [text, timer, args] = page.messages;
  assert.equal(text, 'error: Uncaught text');
  assert.match(timer ?? '', /^error: Uncaught RangeError: timer\n {4}at APP\/s\d+\.js:2:36$/);
  assert.equal(args, 'log: args 2 true');
});

test('Background.rejected asks unhandledrejection listeners first', async () => {
  const page = await makePage(
    'addEventListener("unhandledrejection", (e) => { console.log(e.reason.message); if (e.reason.message === "mine") e.preventDefault(); });',
  );
  await page.background.run();
  page.background.rejected(new Error('mine'), Promise.resolve());
  page.background.rejected(new Error('other'), Promise.resolve());
  assert.deepEqual(headlines(page), ['log: mine', 'log: other', 'error: Uncaught (in promise) Error: other']);
});

test('Background.uncaught asks error listeners once, not about their own errors', async () => {
  const page = await makePage('addEventListener("error", () => console.log("asked"));');
  await page.background.run();
  page.background.raise(new Error('one'));
  page.background.uncaught(new Error('of the listener'));
  assert.deepEqual(headlines(page), [
    'log: asked',
    'error: Uncaught Error: one',
    'error: Uncaught Error: of the listener',
  ]);
});

test('Background shows the whole stack of an error that is not of the app', async () => {
  const page = await makePage('');
  page.background.rejected(new Error('inner'), Promise.resolve());
  assert.match(page.messages[0] ?? '', /Error: inner\n {4}at .*background\.test/);
});

test('Background shows a DOMException with its place', async () => {
  const page = await makePage(`setTimeout(function () {
    try { atob('?'); } finally { console.log('tried'); }
  }, 0);`);
  await page.background.run();
  await page.waitFor(/InvalidCharacterError/);
  page.background.close();
  assert.match(
    page.messages[1] ?? '',
    /^error: Uncaught InvalidCharacterError: [^\n]*\n {4}at APP\/s\d+\.js:2:11$/,
  );
});

test('Background survives hostile thrown values', async () => {
  const page = await makePage(
    'var trap = new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw 2; } }); var bad = new Error("x"); Object.defineProperty(bad, "stack", { get() { throw 3; } }); Object.defineProperty(bad, "message", { get() { throw 4; } });',
  );
  await page.background.run();
  const { bad, trap } = page.background.global;
  for (const thrown of [trap, bad, null, undefined, Symbol('s'), Object.create(null)])
    page.background.raise(thrown);
  assert.equal(page.messages.length, 6);
  for (const message of page.messages) assert.match(message, /^error: Uncaught /);
});

test('Background tells load, installation and launch in order, and the end', async () => {
  const page = await makePage(`
    window.onload = () => console.log('load');
    chrome.runtime.onInstalled.addListener((d) => console.log('installed', d.reason));
    chrome.app.runtime.onLaunched.addListener(() => console.log('launched'));
    chrome.app.runtime.onLaunched.addListener(() => { throw new Error('in listener'); });
    chrome.app.runtime.onLaunched.addListener(() => console.log('launched too'));
    chrome.runtime.onSuspend.addListener(() => console.log('suspended'));
  `);
  await page.background.run();
  page.background.close();
  assert.deepEqual(headlines(page), [
    'log: load',
    'log: installed install',
    'log: launched',
    'error: Uncaught Error: in listener',
    'log: launched too',
    'log: suspended',
  ]);
});

test('Background.close stops the timers', async () => {
  const page = await makePage(
    'setInterval(() => console.log("tick"), 1); clearTimeout(setTimeout(() => console.log("no"), 0)); clearTimeout(99); clearTimeout(null);',
  );
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  await page.background.run();
  await page.waitFor(/tick/);
  assert.equal(timers(), before + 1);
  page.background.close();
  assert.equal(timers(), before);
  assert.ok(page.messages.every((message) => message === 'log: tick'));
});

test('Background shows console messages with levels, formats and groups, and only frames of the app', async () => {
  const log = await logOf(`
    console.log('%s is %d', 'x', 5, { a: [1] });
    console.info('i'); console.debug('d'); console.warn('w'); console.error('e');
    console.group('g'); console.log('in'); console.groupEnd();
    console.assert(true, 'not shown'); console.assert(false, 'shown');
    console.count(); console.count();
    console.error(new Error('logged'));
  `);
  assert.deepEqual(log.slice(0, -1), [
    'log: x is 5 { a: [ 1 ] }',
    'info: i',
    'debug: d',
    'warn: w',
    'error: e',
    'log: g',
    'log:   in',
    'error: Assertion failed: shown',
    'log: default: 1',
    'log: default: 2',
  ]);
  assert.match(log.at(-1) ?? '', /^error: Error: logged\n {4}at APP\/s\d+\.js:7:19$/);
});
