/** The conformance suite of TLS: what the contract's head says of it, whatever provider and whatever TLS. */
import type { Stream } from '../base/provider.ts';
import { reader } from '../base/reader.ts';
import type { TlsClientOptions, TlsServerOptions } from '../base/tls.ts';
import { makeCases, type CaseRow } from './case-table.ts';
import { connectPair, listenOptions } from './pair-maker.ts';
import { asciiBytes } from './pattern.ts';
import {
  check,
  equal,
  rejects,
  requireSuiteOptions,
  TRANSPORT_NEEDS,
  type ProviderMaker,
  type SuiteCase,
  type SuiteOptions,
  type SuiteTransport,
} from './suite.ts';

/** Who is who, for a suite that has no certificates of its own. */
export interface TlsSuiteOptions extends SuiteOptions {
  readonly transport: SuiteTransport;
  /** What a server shows that a client with `client` accepts. */
  readonly server: TlsServerOptions;
  /** With a `servername` and a `ca` that fit `server`. */
  readonly client: TlsClientOptions;
  /** What a server shows that a client with `client` must refuse. */
  readonly impostor: TlsServerOptions;
}

/** A connection in the clear, and who its ends are to be. */
interface TlsCase extends TlsSuiteOptions {
  readonly a: Stream;
  readonly b: Stream;
}

const IGNORED = { data: () => undefined, close: () => undefined };

function written(stream: Stream, text: string): Promise<unknown> {
  return new Promise((resolve) => stream.write(asciiBytes(text), resolve));
}

async function nextText(pull: ReturnType<typeof reader>): Promise<string> {
  return String.fromCharCode(...((await pull.read()) ?? []));
}

async function carriesBothWays({ a, b, client, server }: TlsCase): Promise<void> {
  const [near, far] = await Promise.all([a.upgrade(client), b.upgrade({ role: 'server', ...server })]);
  equal(near.id, a.id, 'the id of the new stream');
  equal(near.tls?.role, 'client', 'role');
  equal(near.tls?.isAuthorized, true, 'isAuthorized');
  const [pullNear, pullFar] = [reader(near), reader(far)];
  near.write(asciiBytes('there'));
  equal(await nextText(pullFar), 'there', 'what the server reads');
  far.write(asciiBytes('back'));
  equal(await nextText(pullNear), 'back', 'what the client reads');
  await rejects(() => near.upgrade(client), { name: 'UnsupportedError' }, 'a second upgrade');
  await rejects(() => a.upgrade(client), { name: 'ClosedError' }, 'an upgrade of the old stream');
}

async function refusesWhileReading({ a, b, client }: TlsCase): Promise<void> {
  a.start(IGNORED);
  await rejects(() => a.upgrade(client), { name: 'BusyError' }, 'upgrade while reading');
  const pull = reader(b);
  equal(await written(a, 'as before'), null, 'done');
  equal(await nextText(pull), 'as before', 'what the peer reads');
}

async function refusesWhileUnsent({ a, b, client }: TlsCase): Promise<void> {
  const chunk = new Uint8Array(1024 * 1024);
  let sent = chunk.length;
  while (a.write(chunk)) sent += chunk.length;
  await rejects(() => a.upgrade(client), { name: 'BusyError' }, 'upgrade while bytes are unsent');
  const pull = reader(b);
  let received = 0;
  while (received < sent) received += (await pull.read())?.length ?? sent;
  equal(received, sent, 'bytes that the peer reads');
}

async function takesHeadForTheBeginning({ a, b, client, server }: TlsCase): Promise<void> {
  // The peer may hear of it or not, before or after.
  const done = a.upgrade(client).catch(() => null);
  const options = { role: 'server', ...server, head: asciiBytes('NOOP\r\n') } as const;
  await rejects(() => b.upgrade(options), { name: 'TlsError' }, 'upgrade behind a head in the clear');
  (await done)?.abort();
}

async function obeysNothingOfTheClear({ a, b, server }: TlsCase): Promise<void> {
  const delivered: number[] = [];
  b.pause();
  b.start({ ...IGNORED, data: (chunk) => delivered.push(chunk.length) });
  equal(await written(a, 'RCPT TO:<everybody>\r\n'), null, 'done');
  const failed = await rejects(
    () => b.upgrade({ role: 'server', ...server }),
    { name: 'TlsError' },
    'upgrade',
  );
  check(failed instanceof Error, 'the failure is an error');
  equal(delivered.length, 0, 'chunks that were delivered');
}

async function refusesAnImpostor({ a, b, client, impostor }: TlsCase): Promise<void> {
  // The server may be done before its client is, or fail with it.
  const server = b.upgrade({ role: 'server', ...impostor }).catch(() => null);
  await rejects(() => a.upgrade(client), { name: 'TlsError' }, 'upgrade to an impostor');
  (await server)?.abort();
}

async function refusesAnotherName({ a, b, client, server }: TlsCase): Promise<void> {
  const other = { ...client, servername: 'another.invalid' };
  const done = b.upgrade({ role: 'server', ...server }).catch(() => null);
  await rejects(() => a.upgrade(other), { name: 'TlsError' }, 'upgrade under another name');
  (await done)?.abort();
}

const TLS_CASES: readonly CaseRow<TlsCase>[] = [
  { name: 'upgrade carries bytes both ways, once', promises: ['tls.refused'], run: carriesBothWays },
  {
    name: 'upgrade is refused while the stream reads, which stays as it was',
    promises: ['tls.refused'],
    run: refusesWhileReading,
  },
  {
    name: 'upgrade is refused while bytes are unsent, which arrive as before',
    promises: ['tls.refused'],
    run: refusesWhileUnsent,
  },
  {
    name: 'upgrade takes its head for the beginning of the handshake',
    promises: ['tls.clear'],
    run: takesHeadForTheBeginning,
  },
  {
    name: 'upgrade delivers nothing that came in the clear',
    promises: ['tls.clear'],
    run: obeysNothingOfTheClear,
  },
  { name: 'upgrade refuses a certificate by a stranger', promises: ['tls.checked'], run: refusesAnImpostor },
  {
    name: 'upgrade refuses a certificate of another name',
    promises: ['tls.checked'],
    run: refusesAnotherName,
  },
];

/** Cases for a maker of providers that have `tls`; each case has a provider of its own. */
export function tlsSuite(make: ProviderMaker, options: TlsSuiteOptions): SuiteCase[] {
  requireSuiteOptions(options, 'transport', 'server', 'client', 'impostor');
  const { transport, files } = options;
  const kind = transport.startsWith('unix') ? 'unix' : 'tcp';
  const needs = ['tls', ...TRANSPORT_NEEDS[transport]] as const;
  return makeCases(`tls over ${transport}`, needs, TLS_CASES, { transport: kind, options }, async (body) => {
    const { provider, stop } = await make();
    try {
      await body({ ...options, ...(await connectPair(provider, listenOptions(transport, files))) });
    } finally {
      await stop();
    }
  });
}
