/** `portside run DIR`: runs a Chrome App or an extension until it is stopped or has nothing left to do. */
import { normalize } from 'node:path';
import { inspect } from 'node:util';
import { canRunModules } from '../../apps/app-modules.ts';
import { AppLoadError, Background } from '../../apps/background.ts';
import { ManifestError, loadApp } from '../../apps/manifest.ts';
import type { App } from '../../apps/manifest.ts';
import { formatAddress } from '../../base/address.ts';
import type { SocketProvider } from '../../base/provider.ts';
import { GrantFileError, grantFiles } from '../../permissions/grant-files.ts';
import type { Rule } from '../../permissions/rule.ts';
import type { AppHost, HostSetting } from '../app-hosts.ts';
import { createAppHost } from '../app-hosts.ts';
import { createPrompt } from '../ask.ts';
import type { PromptMode } from '../ask.ts';
import { ListenWatcher } from '../listen-watcher.ts';
import { Output } from '../output.ts';
import type { OutputStreams } from '../output.ts';
import { packageVersion } from '../package-version.ts';
import { onStop, runAgainForModules } from '../run-again.ts';
import { NoNativeEngineError, chooseProvider } from '../providers.ts';
import type { ProviderName } from '../providers.ts';
import { renderSocketTable } from '../socket-table.ts';
import { permissionsFolder } from '../user-folders.ts';

export interface RunOptions {
  readonly provider?: ProviderName;
  /** `false`: no table, though there is a terminal. */
  readonly table: boolean;
  /** What is granted when the app requests it, without a question. */
  readonly grant?: readonly Rule[];
  /** What is denied, whatever the manifest says. */
  readonly deny?: readonly Rule[];
  readonly prompt: PromptMode;
}

/** Signals that stop the app in good order. */
const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGINT', 'SIGTERM'];
/** What shells give for a program that SIGINT has ended. */
const INTERRUPTED = 130;

interface RunSetting {
  readonly app: App;
  /** As the user gave it. */
  readonly folder: string;
  readonly output: Output;
  readonly provider: SocketProvider;
  readonly host: AppHost;
  readonly withTable: boolean;
}

/** One app that is running. */
class Run {
  readonly #app: App;
  readonly #output: Output;
  readonly #provider: SocketProvider;
  readonly #host: AppHost;
  readonly #background: Background;
  #isStopping = false;

  constructor(setting: RunSetting) {
    const { app, folder, output, provider, host, withTable } = setting;
    this.#app = app;
    this.#output = output;
    this.#provider = provider;
    this.#host = host;
    this.#background = new Background({
      app,
      folder: normalize(folder),
      makeApi: host.makeApi,
      version: packageVersion(),
      write: (level, message) => {
        output.app(app.name, level, message);
      },
    });
    if (withTable) this.#showTable();
  }

  /** Reports what the app's code threw. */
  raise(error: unknown): void {
    this.#background.raise(error);
  }

  /** Loads the app, and leaves it running. */
  async start(): Promise<void> {
    onStop(STOP_SIGNALS, (signal) => void this.#stop(signal));
    process.on('uncaughtException', (error) => {
      this.#uncaught(error);
    });
    process.on('unhandledRejection', (reason, promise) => {
      this.#background.rejected(reason, promise);
    });
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => void this.#lost());
    // Without sockets, timers or other work, nothing can happen any more.
    process.on('beforeExit', () => {
      if (!this.#isStopping)
        this.#finish(`${this.#app.name} has nothing left to do: no open socket, no timer`, 0);
    });
    try {
      await this.#background.run();
    } catch (error) {
      if (!(error instanceof AppLoadError)) throw error;
      const { frames, hint } = error.report;
      const lines = [
        error.message,
        ...frames.map((frame) => `    ${frame}`),
        ...(hint === undefined ? [] : [`  (${hint})`]),
      ];
      await this.#close();
      this.#output.close();
      this.#output.fail(lines.join('\n'));
      process.exit(1);
    }
  }

  #showTable(): void {
    const { paint } = this.#output;
    const panel = this.#output.showPanel((size) => renderSocketTable([...this.#host.rows()], size, paint));
    process.stdout.on('resize', () => {
      panel.refresh();
    });
    process.on('SIGCONT', () => {
      panel.restart();
    });
    process.on('exit', () => {
      panel.flush();
    });
  }

  async #stop(signal: NodeJS.Signals): Promise<void> {
    if (this.#isStopping) {
      // Whoever asks again does not want to wait.
      this.#output.close();
      process.exit(INTERRUPTED);
    }
    const count = [...this.#host.rows()].length;
    await this.#close();
    const sockets = count === 1 ? '1 socket' : `${String(count)} sockets`;
    this.#finish(`stopped by ${signal}, ${sockets} closed`, 0);
  }

  /** The terminal or the pipe that the output goes to is gone. */
  async #lost(): Promise<void> {
    if (this.#isStopping) return;
    await this.#close();
    this.#finish('stopped: nobody reads the output any more', 0);
  }

  async #close(): Promise<void> {
    this.#isStopping = true;
    this.#background.close();
    try {
      await this.#host.close();
      await this.#provider.close();
    } catch (error) {
      this.#fault(error);
    }
  }

  #finish(text: string, code: number): void {
    this.#output.close();
    this.#output.note(text);
    process.exit(code);
  }

  #uncaught(error: unknown): void {
    if (this.#background.owns(error)) {
      this.#background.uncaught(error);
      return;
    }
    this.#fault(error);
  }

  #fault(error: unknown): never {
    this.#output.close();
    this.#output.fail(`portside: a fault of Portside itself, please report it:\n${inspect(error)}`);
    process.exit(1);
  }
}

async function startApp(
  folder: string,
  options: RunOptions,
  streams: OutputStreams,
  output: Output,
): Promise<void> {
  const app = await loadApp(folder);
  if (app.isModule && !canRunModules()) {
    await runAgainForModules();
    return;
  }
  const chosen = await chooseProvider(options.provider);
  for (const warning of app.warnings) output.warn(warning);
  if (chosen.reason !== undefined)
    output.warn(`the native engine cannot be loaded (${chosen.reason}); Node's sockets are used`);
  const isTerminal = streams.stdout.isTTY && streams.env['TERM'] !== 'dumb';
  const withTable = options.table && isTerminal;
  const provider = new ListenWatcher(chosen.provider, (local) => {
    if (!withTable) output.note(`listening on ${formatAddress(local)}`);
  });
  const { grant = [], deny = [], prompt: mode } = options;
  const started: { run?: Run } = {};
  const setting: HostSetting = {
    app,
    provider,
    denied: deny.map((rule) => ({ ...rule, effect: 'deny' })),
    prompt: createPrompt({ output, mode, isTerminal: isTerminal && process.stdin.isTTY, granted: grant }),
    store: grantFiles(permissionsFolder()),
    warn: (text) => {
      output.app(app.name, 'warn', text);
    },
    report: (error) => started.run?.raise(error),
  };
  const host = await createAppHost(setting);
  output.note(`running ${app.name} ${app.version} on ${chosen.name} sockets; Ctrl-C stops it`);
  started.run = new Run({ app, folder, output, provider, host, withTable });
  await started.run.start();
}

/** Runs the app in `folder`. Ends the process when the app cannot run, has ended, or is stopped. */
export async function runApp(folder: string, options: RunOptions, streams: OutputStreams): Promise<void> {
  const output = new Output(streams);
  try {
    await startApp(folder, options, streams, output);
  } catch (error) {
    if (error instanceof ManifestError) output.fail(error.message);
    else if (error instanceof NoNativeEngineError || error instanceof GrantFileError)
      output.fail(`portside: ${error.message}`);
    else throw error;
    process.exitCode = 1;
  }
}
