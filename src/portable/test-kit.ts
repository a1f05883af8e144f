/** What the tests of TLS share: providers, listeners that tell all, and short words. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { SocketError, TlsFailure } from '../base/errors.ts';
import { TlsError } from '../base/errors.ts';
import type { Listener, SocketProvider, Stream } from '../base/provider.ts';
import type { TlsInfo, TlsServerOptions } from '../base/tls.ts';
import { localProvider } from '../engine/local-provider.ts';
import { memoryProvider } from '../testing/memory-provider.ts';
import type { Certificates, MadeIdentity } from '../testing/node/certificates.ts';
import { certificates } from '../testing/node/certificates.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { portableProvider } from './portable-provider.ts';
import { nodeTls } from './tls-handshake.ts';

/** The certificates of this process. */
export const made: Certificates = certificates();
/** A good one. */
export const good: MadeIdentity = made.good;
/** Who signed it. PEM. */
export const authority: string = made.authority;
const HOSTS = { localhost: ['127.0.0.1'], 'example.test': ['127.0.0.1'] };
const PROVIDERS: Readonly<Record<string, () => SocketProvider>> = {
  local: () => localProvider(),
  portable: () => portableProvider(),
  memory: () => memoryProvider({ tls: nodeTls, hosts: HOSTS }),
};

/** Declares one test of TLS for each provider. At its end nothing is open. */
export function each(name: string, body: (provider: SocketProvider, t: TestContext) => Promise<void>): void {
  for (const [kind, make] of Object.entries(PROVIDERS)) {
    void test(`tls ${name}, ${kind}`, async (t) => {
      const before = countDescriptors();
      const provider = make();
      await body(provider, t);
      await provider.close();
      assert.deepEqual([...provider.sockets()], []);
      assert.equal(countDescriptors(), before);
    });
  }
}

export interface Told {
  readonly listener: Listener;
  readonly streams: Stream[];
  readonly errors: SocketError[];
  /** The next of either. */
  next(): Promise<Stream | SocketError>;
}

/** A listener, and all that it tells. */
export async function serve(provider: SocketProvider, tls: TlsServerOptions): Promise<Told> {
  const listener = await provider.listen({ tls });
  const streams: Stream[] = [];
  const errors: SocketError[] = [];
  const told: (Stream | SocketError)[] = [];
  let wake: () => void = () => undefined;
  const tell = (what: Stream | SocketError): void => {
    told.push(what);
    wake();
  };
  listener.start({
    accept: (stream) => {
      streams.push(stream);
      tell(stream);
    },
    error: (error) => {
      errors.push(error);
      tell(error);
    },
    close: () => undefined,
  });
  const next = async (): Promise<Stream | SocketError> => {
    while (told.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const first = told.shift();
    assert.ok(first !== undefined);
    return first;
  };
  return { listener, streams, errors, next };
}

export function portOf({ local }: Listener): number {
  assert.ok(local.family !== 'unix');
  return local.port;
}

export async function nextStream(told: Told): Promise<Stream> {
  const next = await told.next();
  assert.ok('upgrade' in next, next instanceof Error ? next.message : 'no stream');
  return next;
}

export async function nextError(told: Told): Promise<TlsError> {
  const next = await told.next();
  assert.ok(next instanceof TlsError);
  return next;
}

export function infoOf(stream: Stream): TlsInfo {
  assert.ok(stream.tls !== undefined);
  return stream.tls;
}

export async function failureOf(connecting: Promise<unknown>): Promise<TlsFailure> {
  try {
    await connecting;
  } catch (error) {
    assert.ok(error instanceof TlsError, String(error));
    return error.failure;
  }
  throw new Error('it was not refused');
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (chunk: Uint8Array | null): string =>
  new TextDecoder().decode(chunk ?? new Uint8Array(0));
export const written = (stream: Stream, what: string): Promise<SocketError | null> =>
  new Promise((resolve) => stream.write(bytes(what), resolve));

export function der(pem: string): Uint8Array {
  return Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
}
