/** Message sockets that break the contract: rows for the tests of `datagramSuite`. */
import type { DatagramReadOptions, DatagramSink, OutgoingDatagram } from '../../base/provider.ts';
import { MESSAGE_OVERHEAD } from '../../base/provider.ts';
import type { DatagramTransport } from '../datagram-harness.ts';
import { BROKEN_DATAGRAM_PROVIDERS } from './broken-datagram-providers.ts';
import {
  bound,
  inALargerBuffer,
  onMessage,
  onReceive,
  onSend,
  onSendMany,
  onSink,
  sockets,
  type Mutation,
  type ProviderMutation,
} from './datagram-mutations.ts';

/** What is wrong with a socket, over what, the part of a case's name that must catch it, and how it is made wrong. */
const BROKEN_SOCKETS: readonly (readonly [
  what: string,
  transport: DatagramTransport,
  caught: string,
  mutate: Mutation,
])[] = [
  ['loses the last datagram', 'ipv4', 'sendMany sends 45', onSendMany((list) => list.slice(0, -1))],
  [
    'sends twice',
    'ipv4',
    'in the order',
    onSend((send, message, done) => send(message) && send(message, done)),
  ],
  ['swaps datagrams', 'ipv4', 'sendMany sends 45', onSendMany((list) => [...list].reverse())],
  ['cuts what it sends', 'unix', 'in the order', onMessage((m) => ({ ...m, bytes: m.bytes.subarray(1) }))],
  [
    'delivers twice',
    'unix',
    'pause inside receive',
    onReceive((sink, d) => {
      sink.receive(d);
      sink.receive(d);
    }),
  ],
  [
    'takes an empty datagram for the end',
    'seqpacket',
    'an empty packet',
    onReceive((sink, d) => {
      if (d.length === 0) sink.close(null);
      else sink.receive(d);
    }),
  ],
  [
    'drops empty datagrams',
    'ipv4',
    'delivers empty',
    onReceive((sink, d) => {
      if (d.length > 0) sink.receive(d);
    }),
  ],
  [
    'hides that it was cut',
    'ipv4',
    'cuts what is longer',
    onReceive((sink, d) => {
      sink.receive({ ...d, truncated: false, length: d.bytes.length });
    }),
  ],
  [
    'ignores maxSize',
    'ipv6',
    'cuts what is longer',
    (s) => ({
      start: (sink: DatagramSink) => {
        s.start(sink);
      },
    }),
  ],
  [
    'hands over a larger buffer',
    'ipv4',
    'owned bytes',
    onReceive((sink, d) => {
      sink.receive({ ...d, bytes: inALargerBuffer(d.bytes) });
    }),
  ],
  [
    'hands over one buffer again and again',
    'ipv4',
    'owned bytes',
    (s) => ({
      start: (sink: DatagramSink, options?: DatagramReadOptions) => {
        s.start(sink, { ...options, chunks: 'view' });
      },
    }),
  ],
  [
    'hides the sender',
    'ipv4',
    'tells the sender',
    onReceive((sink, d) => {
      sink.receive({ ...d, remote: { family: 'ipv4', host: '127.0.0.1', port: 1 } });
    }),
  ],
  [
    'keeps the caller’s bytes',
    'ipv4',
    'has taken the bytes when',
    onSend((send, message, done) => {
      void Promise.resolve().then(() => send(message, done));
      return true;
    }),
  ],
  [
    'reads a message twice',
    'ipv4',
    'reads a message once',
    onSend((send, message, done) => {
      const { bytes } = message;
      return send(message, bytes.length < 0 ? undefined : done);
    }),
  ],
  [
    'takes detached buffers',
    'ipv4',
    'detached buffer and take',
    onSend((send, message, done) =>
      message.bytes.length === 0 ? send({ ...message, bytes: new Uint8Array(0) }, done) : send(message, done),
    ),
  ],
  [
    'calls done twice',
    'ipv4',
    'in the order',
    onSend((send, message, done) =>
      send(
        message,
        done &&
          ((error) => {
            done(error);
            done(error);
          }),
      ),
    ),
  ],
  ['never calls done', 'ipv4', 'in the order', onSend((send, message) => send(message))],
  [
    'calls done inside send',
    'unix',
    'in the order',
    onSend((send, message, done) => {
      const result = send(message);
      done?.(null);
      return result;
    }),
  ],
  [
    'hides failures',
    'ipv4',
    'tells done of a datagram that is too large',
    onSend((send, message, done) =>
      send(
        message,
        done &&
          (() => {
            done(null);
          }),
      ),
    ),
  ],
  [
    'answers true above the mark',
    'unix',
    'keeps what is unsent',
    onSend((send, message, done) => send(message, done) || true),
  ],
  [
    'never drains',
    'unix',
    'keeps what is unsent',
    onSink((sink) => ({ ...bound(sink), drain: () => undefined })),
  ],
  [
    'drains twice',
    'unix',
    'keeps what is unsent',
    onSink((sink) => ({
      ...bound(sink),
      drain: () => {
        sink.drain?.();
        sink.drain?.();
      },
    })),
  ],
  ['hides what is unsent', 'unix', 'keeps what is unsent', () => ({ bufferedAmount: 0 })],
  [
    'counts bytes alone',
    'unix',
    'counts what waits',
    (s) => {
      let waiting = 0;
      const counted = onSend((send, message, done) => {
        waiting += 1;
        return send(message, (error) => {
          waiting -= 1;
          done?.(error);
        });
      })(s);
      return {
        ...counted,
        get bufferedAmount() {
          return s.bufferedAmount - waiting * MESSAGE_OVERHEAD;
        },
      };
    },
  ],
  [
    'always has room for empty datagrams',
    'unix',
    'send of nothing',
    onSend((send, message, done) => send(message, done) || message.bytes.length === 0),
  ],
  [
    'drops empty datagrams that find no room',
    'seqpacket',
    'send of nothing',
    onSend((send, message, done) => {
      if (message.bytes.length > 0) return send(message, done);
      try {
        return send(message, done);
      } catch {
        return false;
      }
    }),
  ],
  [
    'takes all empty datagrams at once',
    'unix',
    'sendMany of empty',
    (s) => ({
      sendMany: (list: readonly OutgoingDatagram[]) => {
        for (const message of list) s.send(message);
        return list.length;
      },
    }),
  ],
  [
    'says that all was taken',
    'unix',
    'sendMany stops',
    (s) => ({
      sendMany: (list: readonly OutgoingDatagram[]) => {
        s.sendMany(list);
        return list.length;
      },
    }),
  ],
  [
    'takes what comes before a bad message',
    'ipv4',
    'refuse messages that are none',
    (s) => ({
      sendMany: (list: readonly OutgoingDatagram[]) => {
        let count = 0;
        for (const message of list) if (s.send(message)) count += 1;
        return count;
      },
    }),
  ],
  ['ignores pause', 'ipv4', 'pause before start', () => ({ pause: () => undefined })],
  [
    'tells of the network while it is paused',
    'ipv4',
    'hears what the network reports',
    () => ({ pause: () => undefined }),
  ],
  ['ends while it is paused', 'seqpacket', 'hears of the end', () => ({ pause: () => undefined })],
  [
    'tells nothing while it is paused',
    'ipv4',
    'hears of sends that fail',
    (s) => ({
      start: (sink: DatagramSink) => {
        s.start({
          ...bound(sink),
          error: (error) => {
            if (!s.isPaused) sink.error?.(error);
          },
        });
      },
    }),
  ],
  [
    'loses what came with the error that paused it',
    'ipv4',
    'pause inside error',
    onSink((sink) => {
      let count = 0;
      return {
        ...bound(sink),
        error: (error) => {
          count += 1;
          if (count === 1) sink.error?.(error);
        },
      };
    }),
  ],
  [
    'keeps the options of its first start',
    'ipv4',
    'for more than was asked for',
    (s) => {
      let first: DatagramReadOptions | undefined;
      return {
        start: (sink: DatagramSink, options?: DatagramReadOptions) => {
          first ??= options;
          s.start(sink, first);
        },
      };
    },
  ],
  ['does not say that it is paused', 'ipv4', 'pause before start', () => ({ isPaused: false })],
  ['hides drops', 'ipv4', 'counts what a full buffer dropped', () => ({ drops: 0 })],
  ['invents drops', 'ipv4', 'in the order', () => ({ drops: 1 })],
  ['counts nothing', 'ipv4', 'in the order', () => ({ received: 0, sent: 0 })],
  [
    'dies of an error',
    'ipv4',
    'tells the sink of a datagram',
    onSink((sink) => ({
      ...bound(sink),
      error: (error) => {
        sink.close(error);
      },
    })),
  ],
  [
    'drops what is unsent on close',
    'unix',
    'close waits',
    (s) => ({
      close: () => {
        s.abort();
        return s.close();
      },
    }),
  ],
  [
    'ignores the deadline of close',
    'unix',
    'close aborts when its time',
    (s) => ({ close: () => s.close() }),
  ],
  [
    'makes a new promise for each close',
    'ipv4',
    'after close every other call',
    (s) => ({
      close: async () => {
        await s.close();
      },
    }),
  ],
  [
    'sends quietly after close',
    'ipv4',
    'after close every other call',
    onSend((send, message, done) => {
      try {
        return send(message, done);
      } catch {
        return false;
      }
    }),
  ],
  [
    'closes twice',
    'ipv4',
    'close sends what was taken',
    onSink((sink) => ({
      ...bound(sink),
      close: (error) => {
        sink.close(error);
        sink.close(error);
      },
    })),
  ],
  [
    'tells of the end as of an error',
    'seqpacket',
    'closes when its peer',
    onSink((sink) => ({
      ...bound(sink),
      close: () => {
        sink.close(new TypeError() as never);
      },
    })),
  ],
  [
    'swallows exceptions',
    'ipv4',
    'an exception inside receive',
    onReceive((sink, d) => {
      try {
        sink.receive(d);
      } catch {
        /* this is the mistake */
      }
    }),
  ],
  ['forgets its options', 'ipv4', 'options are read', () => ({ get: () => false })],
  ['forgets its tag', 'unix', 'sockets lists it', () => ({ tag: undefined })],
  ['joins no group', 'ipv4', 'hears a group', () => ({ join: () => undefined })],
  ['leaves no group', 'ipv4', 'hears a group', () => ({ leave: () => undefined })],
  [
    'joins a group again',
    'ipv4',
    'lists its groups',
    (s) => ({
      join: (membership: never) => {
        if (s.memberships().length < 2) s.join(membership);
      },
    }),
  ],
  [
    'ignores the source of a group',
    'ipv4',
    'hears of a group only',
    (s) => ({
      join: (membership: object) => {
        s.join({ ...membership, source: undefined } as never);
      },
    }),
  ],
  [
    'ignores the interface',
    'ipv4',
    'joins on an interface',
    (s) => ({
      join: (membership: object) => {
        s.join({ ...membership, interfaceIndex: undefined } as never);
      },
    }),
  ],
  [
    'tells more than was asked for',
    'ipv4',
    'tells of the meta data just',
    (s) => ({
      start: (sink: DatagramSink, options?: DatagramReadOptions) => {
        s.start(sink, { ...options, meta: ['local', 'ttl', 'trafficClass', 'timestamp'] });
      },
    }),
  ],
  ['ignores the ttl of a datagram', 'ipv4', 'takes ttl', onMessage((m) => ({ ...m, ttl: undefined }))],
  [
    'ignores the source of a datagram',
    'ipv4',
    'takes the source',
    onMessage((m) => ({ ...m, from: undefined })),
  ],
];

type Row = readonly [what: string, transport: DatagramTransport, caught: string, mutate: ProviderMutation];

/** All of them, as providers. */
export const BROKEN_DATAGRAMS: readonly Row[] = [
  ...BROKEN_SOCKETS.map(([what, transport, caught, mutate]): Row => [
    what,
    transport,
    caught,
    sockets(mutate),
  ]),
  ...BROKEN_DATAGRAM_PROVIDERS,
];
