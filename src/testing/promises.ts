/**
 * The sentences of the contract that the suites hold a provider to, word for word from `src/base/provider.ts`. Each case
 * names those that it checks; a test holds this table against the contract's text, and every row against the cases.
 */
export const PROMISES = {
  'order.bytes':
    "Every byte that arrived before the peer's FIN or before an error is delivered first, then `end` or `close`.",
  'order.answer': 'The answer to a call comes before the events that the call causes.',
  'order.later':
    'No callback runs inside the call that asked for it, except `write`/`send` returning their boolean.',
  once: 'Each `done`, each promise and each `close` settles exactly once, also when the socket is closed from inside any callback, by the peer, by a signal, or by the end of the provider.',
  'closed.silent':
    'After `close()` or `abort()` the sink hears only its final `close`, and nothing after it.',
  'closed.calls':
    'Other calls throw `ClosedError`, or reject with it; `close()` again is the same promise; `abort()` again does nothing.',
  'bytes.chunk':
    "An `owned` chunk is the receiver's, with an ArrayBuffer of exactly its size; a `view` is valid only during the call.",
  'bytes.taken': '`write` and `send` have taken the bytes when they return.',
  'pressure.bound':
    '`pause()` stops delivery after at most the chunk in hand; `write` never blocks and never loses; what is unsent is bounded by the caller heeding `false`, and by `OverflowError` past `writeLimit`.',
  'pressure.fair': 'A paused or slow socket delays no other.',
  'half.alone': "The peer's FIN ends reading alone; `closeWrite` ends writing alone.",
  'half.both': 'When both have ended the stream closes itself.',
  'failure.clean':
    'Refused, unreachable, timed out, aborted, denied: the promise rejects and no descriptor is left.',
  'failure.reset': 'A reset behind unread data: the data, then `BrokenError`.',
  'failure.accept': 'Out of descriptors at accept: the listener tells, and does not spin.',
  'life.ref': 'Open sockets keep the process alive unless `unref`ed.',
  'life.end': 'The end of a provider aborts what is left and settles everything.',

  'deadline.signal':
    'Aborting it rejects the call with `signal.reason` and gives back everything the call holds.',
  'deadline.timeout':
    'Milliseconds after which the call fails with `ETIMEDOUT`; `connect` with a `ConnectError` of such errors.',
  'limits.high-water': 'Unsent bytes at and above which `write` answers `false`, and `drain` follows.',
  'limits.overflow': 'Unsent bytes above which a further `write` throws `OverflowError`.',

  'connect.addresses': 'Numeric addresses to dial, already judged: `host` is then not resolved.',
  'connect.family': 'Use only addresses of this family.',
  'connect.local':
    'Numeric address to bind to before connecting; its family restricts the addresses that are dialled.',
  'connect.options': 'Options set before the connection is made.',
  'connect.path': "A file's path, or a NUL and an abstract name.",
  'connect.errors': "every attempt failed, or the time ran out; `errors` has each attempt's own",
  'connect.name':
    'A name is resolved, and its addresses are raced (RFC 8305): every attempt that does not win is closed.',

  'listen.backlog': 'Connections that the kernel completes and keeps until they are accepted.',
  'listen.options': 'Options set on every accepted stream.',
  'listen.host': 'A numeric address of this machine, or `0.0.0.0` or `::` for all.',
  'listen.port': 'Default 0: a free port, told by `local`.',
  'listen.reuse-port':
    'Lets several listeners share the port; the kernel spreads connections (SO_REUSEPORT).',
  'listen.ipv6-only': 'On `::`, do not take IPv4 connections as well.',
  'listen.stale': 'A path on which somebody listens, or that is no socket, is never removed.',
  'listen.mode': "Permission bits of the socket's file, such as `0o660`.",
  'listen.waits': 'Connections wait in the backlog until the listener is started.',

  'provider.bind': 'Makes a bound UDP socket.',
  'provider.resolve': 'Numeric text is answered without a look-up.',
  'provider.interfaces': 'The addresses of this machine.',
  'provider.sockets': 'What is open now, for tables, consoles and leak reports.',
  'provider.close': 'Aborts every socket, settles everything that is pending, and refuses further calls.',

  'socket.id': "The socket's number within its provider: the same in snapshots and never used twice.",
  'socket.local': 'Readable also after the socket has closed.',
  'socket.tag': "The owner's own note. It is kept with the socket and shown in snapshots.",
  'socket.option': 'Sets an option.',
  'socket.abort':
    'Resets now: unsent bytes are dropped, pending `done`s get `ClosedError`, the peer of a TCP stream sees a reset.',

  'read.size': 'Most bytes of one chunk.',
  'read.start': 'Begins to read. Nothing is read before.',
  'read.restart': 'Called again, it replaces sink and options, from the next chunk on.',
  'read.pause': 'Stops reading, and with it all events but the answers to writes.',
  'read.resume': 'An end or an error is told after `resume`.',
  'read.pause-first': 'May be called before `start`.',
  'sink.throw': 'Exceptions that it throws are reported as uncaught, and hurt no other socket.',
  'sink.data': 'Never empty.',
  'sink.end': "The peer's FIN: nothing more will be read.",
  'sink.drain': '`bufferedAmount` has come down to nothing after a `write` answered `false`.',
  'sink.close':
    "The last call, exactly once: `null` after one's own `close()` or `abort()`, or when both directions have ended.",
  'write.done':
    'Told, once and never inside `write`, when the bytes are with the kernel (`null`) or will never be.',
  'write.buffered': 'Bytes taken by `write` and not yet by the kernel.',
  'write.order': 'Takes `bytes` to be sent after all that was written before.',
  'write.empty': 'An empty write sends nothing, and is done in its turn.',
  'write.result': '`false` if `bufferedAmount` is now at or above the high-water mark: `drain` follows.',
  'write.broken': 'the connection is gone',
  'write.overflow': 'more than `writeLimit` bytes wait already; nothing was taken',
  'write.argument': '`bytes` is no Uint8Array, or its buffer is detached',
  'close.write': 'Sends FIN after what was written. Reading goes on. Again: nothing.',
  'close.flush': 'Sends what was written, then FIN, and closes. Unread bytes are dropped.',
  'close.settles':
    'The promise settles when the descriptor is closed; it rejects only if the deadline passes first (the stream is then aborted) or what was written could not be sent.',

  'accept.stream': "It reads nothing until it is started, and is the receiver's to close.",
  'accept.retry':
    'and is tried again by itself: after a pause that grows from 50 ms to 1 s, or at once when a socket of this provider closes.',
  'accept.pause': 'Leaves connections in the backlog. None is told after this returns.',
  'accept.restart': 'Called again, it replaces the sink.',
  'accept.close':
    'Closes the listener. Streams that it accepted stay open; connections still in the backlog are reset.',
} as const;

/** The name of a row of `PROMISES`. */
export type PromiseId = keyof typeof PROMISES;
