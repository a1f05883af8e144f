/** Streams over Duplexes of Node's before the conformance suite of streams: pairs of Duplexes, and sockets that speak TLS. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { duplexPair } from 'node:stream';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { DEFAULT_HIGH_WATER_MARK, DEFAULT_WRITE_LIMIT } from '../base/provider.ts';
import type { Stream } from '../base/provider.ts';
import { certificates } from '../testing/node/certificates.ts';
import { nodeHooks } from '../testing/node/hooks.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { runSuite } from '../testing/node/run-suite.ts';
import { streamSuite } from '../testing/stream-suite.ts';
import type { PairMaker, PairOptions, SuiteCase } from '../testing/suite.ts';
import { requireDuplexOptions, streamOfDuplex } from './duplex-stream.ts';
import { portableProvider } from './portable-provider.ts';

const { good, authority } = certificates();

function streamOf(duplex: Duplex, given: PairOptions): Stream {
  const { highWaterMark = DEFAULT_HIGH_WATER_MARK, writeLimit = DEFAULT_WRITE_LIMIT, options = {} } = given;
  requireDuplexOptions(duplex, options);
  duplex.pause();
  return streamOfDuplex(duplex, { limits: { highWaterMark, writeLimit }, options });
}

/** Pairs out of two Duplexes that are each other's peer. */
function pairsOf(make: () => Promise<readonly [Duplex, Duplex]>): PairMaker {
  return async (given = {}) => {
    const both = await make();
    const [a, b] = both.map((each) => streamOf(each, given));
    assert.ok(a !== undefined && b !== undefined);
    const closed = both.map(
      (each) =>
        new Promise((resolve) => {
          each.once('close', resolve);
        }),
    );
    const stop = async (): Promise<void> => {
      for (const each of [a, b]) each.abort();
      await Promise.all(closed);
    };
    return { a, b, stop };
  };
}

async function connectedSockets(): Promise<readonly [Socket, Socket]> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [Socket],
    unknown,
  ];
  server.close();
  return [client, accepted];
}

async function tlsSockets(): Promise<readonly [Duplex, Duplex]> {
  const [near, far] = await connectedSockets();
  const server = new TLSSocket(far, { isServer: true, ...good });
  const client = connectTls({ socket: near, ca: authority, servername: 'localhost' });
  await Promise.all([once(client, 'secureConnect'), once(server, 'secure')]);
  return [client, server];
}

function named(name: string, cases: readonly SuiteCase[]): SuiteCase[] {
  return cases.map((each) => ({ ...each, name: `${name}: ${each.name}` }));
}

const options = { ...nodeHooks(), resources: countDescriptors };
const { capabilities } = portableProvider();
/** A Duplex of a pair does not hear that the other was destroyed, and a TLSSocket that is destroyed sends no reset. */
const NEEDS_RESET = /abort|break|broke|closed|error|peer has ended|reset/;
const withoutResets = (cases: readonly SuiteCase[]): SuiteCase[] =>
  cases.filter(({ name }) => !NEEDS_RESET.test(name));

const overPairs = streamSuite(
  pairsOf(() => Promise.resolve(duplexPair())),
  { ...options, transport: 'unix' },
);
runSuite(named('a Duplex pair', withoutResets(overPairs)), capabilities);
const overTls = streamSuite(pairsOf(tlsSockets), { ...options, transport: 'ipv4' });
runSuite(named('TLSSockets', withoutResets(overTls)), capabilities);
const overNet = streamSuite(pairsOf(connectedSockets), { ...options, transport: 'ipv4' });
runSuite(named('net.Sockets', overNet), capabilities);
