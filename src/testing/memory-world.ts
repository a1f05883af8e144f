import type { SocketProvider } from '../base/provider.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryFaults } from './memory-faults.ts';
import { MemoryNetwork, type MemoryNetworkOptions } from './memory-network.ts';
import { memoryProvider } from './memory-provider.ts';
import type { ProviderMaker, SuiteFiles, SuiteOptions, UncaughtCapture } from './suite.ts';

/** A memory network with all that the suites can be given of it. */
export interface MemoryWorld {
  readonly network: MemoryNetwork;
  readonly clock: ManualClock;
  readonly make: ProviderMaker;
  readonly files: SuiteFiles;
  /** For each of the suites; add the transport. */
  readonly options: SuiteOptions;
}

/** Makes a network in which every case of the suites can run. @param options what else the network is to be */
export function memoryWorld(options: Omit<MemoryNetworkOptions, 'clock' | 'report'> = {}): MemoryWorld {
  const clock = new ManualClock();
  const uncaught = new Uncaught();
  const network = new MemoryNetwork({
    faults: new MemoryFaults(),
    ...options,
    clock,
    report: uncaught.report,
  });
  const files = memoryFiles(network);
  const failAccept = (_provider: SocketProvider, code: string, times: number): void => {
    network.faults.fail('accept', code, { times });
  };
  return {
    network,
    clock,
    files,
    make: () => {
      const provider = memoryProvider({ network });
      return Promise.resolve({ provider, stop: () => provider.close() });
    },
    options: {
      clock,
      files,
      failAccept,
      captureUncaught: uncaught.capture,
      resources: () => network.openCount,
    },
  };
}

function memoryFiles({ paths }: MemoryNetwork): SuiteFiles {
  let count = 0;
  return {
    fresh: () => `/memory/${String(++count)}.sock`,
    makeFile: (path) => {
      paths.makeFile(path);
    },
    makeStaleSocket: (path) => {
      paths.makeStaleSocket(path);
    },
    exists: (path) => paths.exists(path),
    mode: (path) => paths.mode(path),
  };
}

/** Collects what callbacks throw while somebody captures, and lets everything else be reported as ever. */
class Uncaught {
  #waiting: ((error: unknown) => void)[] | null = null;
  #caught: unknown[] = [];

  readonly report = (error: unknown): void => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it goes on as it was thrown
    if (this.#waiting === null) void Promise.reject(error);
    else if (this.#waiting.length > 0) this.#waiting.shift()?.(error);
    else this.#caught.push(error);
  };

  readonly capture = (): UncaughtCapture => {
    this.#waiting = [];
    this.#caught = [];
    return {
      next: () =>
        new Promise((resolve) => {
          if (this.#caught.length > 0) resolve(this.#caught.shift());
          else this.#waiting?.push(resolve);
        }),
      stop: () => {
        this.#waiting = null;
      },
    };
  };
}
