/** Runs an app's background scripts, unmodified, as the classic scripts of one page without a document. */
import { readFile } from 'node:fs/promises';
import { Script } from 'node:vm';
import { createConsole } from './app-console.ts';
import type { WriteMessage } from './app-console.ts';
import { cleanStacks, describeThrown, formatPlace, isFromApp } from './app-error.ts';
import type { ThrownReport } from './app-error.ts';
import type { AppApi, MakeApi } from './app-api.ts';
import { ErrorEvent, PromiseRejectionEvent, defineHandler } from './events.ts';
import { AppModules } from './app-modules.ts';
import { addPageGlobals, appOrigin } from './globals.ts';
import type { App } from './manifest.ts';
import { createRealm, defineGlobal } from './realm.ts';
import type { RealmGlobal } from './realm.ts';
import { AppTimers } from './timers.ts';

export interface BackgroundOptions {
  readonly app: App;
  /** The app's folder as messages should show it. */
  readonly folder: string;
  readonly makeApi: MakeApi;
  /** Takes the app's console messages, and the reports of what its code threw. */
  readonly write: WriteMessage;
  /** Portside's version. */
  readonly version: string;
}

/** A script of the app failed while the app was loaded. */
export class AppLoadError extends Error {
  override readonly name: string = 'AppLoadError';
  readonly report: ThrownReport;

  constructor(report: ThrownReport, options: ErrorOptions) {
    super(
      `${report.place === undefined ? '' : `${formatPlace(report.place)}: `}Uncaught ${report.message}`,
      options,
    );
    this.report = report;
  }
}

/** Lets all microtasks run that the app has queued, and nothing else. */
function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}

/** The page in which an app's background scripts run. One page, one run. */
export class Background {
  readonly #options: BackgroundOptions;
  readonly #global: RealmGlobal;
  readonly #window: EventTarget = new EventTarget();
  readonly #timers: AppTimers;
  readonly #api: AppApi;
  /** Whether `error` listeners were called in this turn: what is uncaught then may be their own fault. */
  #isTelling = false;

  constructor(options: BackgroundOptions) {
    const { makeApi, app, version } = options;
    const report = (error: unknown): void => {
      this.raise(error);
    };
    this.#options = options;
    this.#global = createRealm(app.name);
    this.#api = makeApi(report);
    this.#timers = new AppTimers({
      global: this.#global,
      report,
      refuseText: () => {
        options.write('error', 'A timer was given no function. As in Chrome, apps cannot run text as code.');
      },
    });
    addPageGlobals(this.#global, { id: app.id, kind: app.kind, version });
    this.#addOwnGlobals(report);
  }

  /** The app's global object. */
  get global(): RealmGlobal {
    return this.#global;
  }

  /**
   * Runs the scripts in order, then tells the page that it has loaded and the app that it is launched.
   *
   * @throws {AppLoadError} a script cannot be compiled, or throws and no `error` listener takes it
   */
  async run(): Promise<void> {
    if (this.#options.app.isModule) await this.#runModules();
    else await this.#runScripts();
    this.#window.dispatchEvent(new Event('DOMContentLoaded', { bubbles: true }));
    this.#window.dispatchEvent(new Event('load'));
    await drainMicrotasks();
    this.#api.launch();
  }

  /** Reports what the app's code threw outside of the load, unless an `error` listener of the app takes it. */
  raise(thrown: unknown): void {
    const report = describeThrown(this.#folder, thrown);
    if (!this.#isHandled(report, thrown)) this.#writeReport('Uncaught', report);
  }

  /**
   * Reports what reached the process, which is how listeners of event targets tell what they throw. An `error` listener
   * that throws is not asked about its own error, or it would never end.
   */
  uncaught(thrown: unknown): void {
    if (this.#isTelling) this.#writeReport('Uncaught', describeThrown(this.#folder, thrown));
    else this.raise(thrown);
  }

  /** Reports a rejection that nobody handles, unless an `unhandledrejection` listener of the app takes it. */
  rejected(reason: unknown, promise: Promise<unknown>): void {
    const event = new PromiseRejectionEvent('unhandledrejection', { cancelable: true, promise, reason });
    if (this.#window.dispatchEvent(event)) {
      this.#writeReport('Uncaught (in promise)', describeThrown(this.#folder, reason));
    }
  }

  /** Whether something thrown came from the app, rather than from a fault of Portside. */
  owns(thrown: unknown): boolean {
    return isFromApp(this.#folder, thrown);
  }

  /** Tells the app that it ends, and stops its timers. */
  close(): void {
    this.#api.suspend();
    this.#timers.close();
  }

  get #folder(): { root: string; folder: string } {
    return { root: this.#options.app.root, folder: this.#options.folder };
  }

  async #runScripts(): Promise<void> {
    const { scripts } = this.#options.app;
    const sources = await Promise.all(scripts.map(({ file }) => readFile(file)));
    for (const [index, { file }] of scripts.entries()) {
      const source = new TextDecoder().decode(sources[index]);
      try {
        new Script(source, { filename: file }).runInContext(this.#global, { displayErrors: false });
      } catch (thrown) {
        this.#failed(thrown);
      }
      await drainMicrotasks();
    }
  }

  async #runModules(): Promise<void> {
    const { app } = this.#options;
    const { root, kind, id } = app;
    const modules = new AppModules({ root, global: this.#global, origin: appOrigin(kind, id) });
    for (const { file } of app.scripts) {
      try {
        await modules.prepare(file);
        await this.#begin(modules.run(file));
      } catch (thrown) {
        this.#failed(thrown);
      }
    }
  }

  /** Waits for the part of a module that awaits nothing. What it throws later is uncaught. */
  async #begin(run: Promise<void>): Promise<void> {
    let hasBegun = false;
    const told = run.catch((thrown: unknown) => {
      if (!hasBegun) throw thrown;
      this.raise(thrown);
    });
    await Promise.race([told, drainMicrotasks()]);
    hasBegun = true;
  }

  /** @throws {AppLoadError} no `error` listener of the app takes it */
  #failed(thrown: unknown): void {
    const report = describeThrown(this.#folder, thrown);
    if (!this.#isHandled(report, thrown)) throw new AppLoadError(report, { cause: thrown });
  }

  #isHandled({ message, place }: ThrownReport, error: unknown): boolean {
    const where = { filename: place?.file ?? '', lineno: place?.line ?? 0, colno: place?.column ?? 0 };
    const event = new ErrorEvent('error', {
      cancelable: true,
      message: `Uncaught ${message}`,
      error,
      ...where,
    });
    this.#isTelling = true;
    setImmediate(() => {
      this.#isTelling = false;
    });
    return !this.#window.dispatchEvent(event);
  }

  #writeReport(title: string, { frames, hint, message }: ThrownReport): void {
    const lines = [`${title} ${message}`, ...frames.map((frame) => `    ${frame}`)];
    if (hint !== undefined) lines.push(`  (${hint})`);
    this.#options.write('error', lines.join('\n'));
  }

  #addOwnGlobals(report: (error: unknown) => void): void {
    const global = this.#global;
    const { write } = this.#options;
    const page = this.#window;
    const own: Readonly<Record<string, unknown>> = {
      ...this.#timers.functions(),
      ...this.#api.globals,
      console: createConsole((level, message) => {
        write(level, cleanStacks(this.#folder, message));
      }),
      addEventListener: page.addEventListener.bind(page),
      dispatchEvent: page.dispatchEvent.bind(page),
      removeEventListener: page.removeEventListener.bind(page),
      reportError: report,
    };
    for (const [name, value] of Object.entries(own)) defineGlobal(global, name, value);
    for (const type of ['load', 'unhandledrejection']) {
      defineHandler(global, page, type, (handler, event) => handler.call(global, event));
    }
    defineHandler(global, page, 'error', (handler, event) => {
      if (!(event instanceof ErrorEvent)) return handler.call(global, event);
      const { colno, error, filename, lineno, message } = event;
      const onerror = handler as unknown as (...args: unknown[]) => unknown;
      if (onerror.call(global, message, filename, lineno, colno, error) === true) event.preventDefault();
      return undefined;
    });
  }
}
