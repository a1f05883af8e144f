import type { SocketOptions } from '../base/options.ts';
import type { IpEndpoint } from '../base/address.ts';
import type { ConnectOptions, Listener, ListenOptions, SocketProvider, Stream } from '../base/provider.ts';
import type { TlsClientOptions, TlsServerOptions } from '../base/tls.ts';
import {
  SuiteFailure,
  type MadeProvider,
  type PairMaker,
  type PairOptions,
  type ProviderMaker,
  type SuiteFiles,
  type SuiteTransport,
} from './suite.ts';

/** The loopback address of each IP transport. */
const LOOPBACK: Readonly<Record<string, string>> = { ipv4: '127.0.0.1', ipv6: '::1' };

/**
 * Small enough to clog with a few writes. Below the 65,483 bytes that a segment has on Linux's loopback, TCP waits for its
 * persist timer (200 ms and more) each time the window opens by less than a segment.
 */
const SMALL_BUFFER = 65536;

let nameCount = 0;

/** What `listen` needs for a fresh address of a transport. @throws {SuiteFailure} `unix` without `files` */
export function listenOptions(transport: SuiteTransport, files: SuiteFiles | undefined): ListenOptions {
  if (transport === 'unix-abstract') {
    return { path: `\0portside-suite-${String(++nameCount)}-${String(Math.random()).slice(2)}` };
  }
  if (transport !== 'unix') return { host: LOOPBACK[transport] ?? transport, port: 0 };
  if (files === undefined) throw new SuiteFailure('the transport unix needs the option files');
  return { path: files.fresh() };
}

/** What `connect` needs to reach a listener that is not on a wildcard. */
export function connectOptions(listener: Listener): ConnectOptions {
  const { local } = listener;
  if (local.family === 'unix') return { path: local.path };
  return { host: hostText(local), port: local.port };
}

function hostText(address: IpEndpoint): string {
  return address.scope === undefined ? address.host : `${address.host}%${address.scope}`;
}

/** The first connection that a listener accepts. */
export function acceptOne(listener: Listener): Promise<Stream> {
  return new Promise((resolve, reject) => {
    listener.start({
      accept: resolve,
      close: () => {
        reject(new SuiteFailure('the listener closed before it accepted'));
      },
    });
  });
}

/** Options with which a stream is soon full, where the provider has them. */
export function smallBuffers(provider: SocketProvider): Partial<SocketOptions> {
  if (!provider.capabilities.has('buffer-sizes')) return {};
  return { receiveBufferSize: SMALL_BUFFER, sendBufferSize: SMALL_BUFFER };
}

/** What both ends of a pair need to speak TLS with each other. */
export interface PairTls {
  readonly client: TlsClientOptions;
  readonly server: TlsServerOptions;
}

/** Two connected streams of a provider; their listener is closed already. */
export async function connectPair(
  provider: SocketProvider,
  listen: ListenOptions,
  options: PairOptions = {},
  tls?: PairTls,
): Promise<{ a: Stream; b: Stream }> {
  const { isSmall, options: wanted, ...limits } = options;
  const small = isSmall === true ? smallBuffers(provider) : {};
  const common = { ...limits, options: { ...small, ...wanted } };
  const listener = await provider.listen({ ...listen, ...common, tls: tls?.server });
  const accepted = acceptOne(listener);
  const connecting = provider.connect({ ...connectOptions(listener), ...common, tls: tls?.client });
  const [a, b] = await Promise.all([connecting, accepted]);
  await listener.close();
  return { a, b };
}

/**
 * Makes pairs out of a provider for `streamSuite`. Pairs that are open at one time share a provider, which is stopped with
 * the last of them.
 */
export function pairMaker(
  make: ProviderMaker,
  transport: SuiteTransport,
  files?: SuiteFiles,
  tls?: PairTls,
): PairMaker {
  let made: Promise<MadeProvider> | null = null;
  let users = 0;
  const leave = async (): Promise<void> => {
    users -= 1;
    if (users > 0) return;
    const last = made;
    made = null;
    await (await last)?.stop();
  };
  return async (options) => {
    users += 1;
    made ??= make();
    let isStopped = false;
    const { provider } = await made;
    const { a, b } = await connectPair(provider, listenOptions(transport, files), options, tls);
    return {
      a,
      b,
      stop: async () => {
        if (isStopped) return;
        isStopped = true;
        a.abort();
        b.abort();
        await leave();
      },
    };
  };
}
