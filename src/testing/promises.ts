/**
 * The sentences of the contract that the suites hold a provider to, word for word from `src/base/provider.ts` and `datagram.ts`. Each case
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
  'datagram.empty': 'An empty datagram is a datagram.',
  'datagram.truncated': 'One longer than `maxSize` arrives cut, with `truncated` true and its real length.',
  'datagram.icmp':
    'What the network says of a datagram that was sent (ICMP) is told only where it was asked for, ends no socket, and does not poison the next send.',
  'datagram.whole': 'What has been sent or received is sent or received whole, or not at all.',
  'tls.refused':
    'A stream is upgraded only when it is neither reading nor holding unsent bytes, else the call is refused and the stream stays as it was.',
  'tls.clear': 'No byte that arrived in the clear is ever delivered as if it had been protected.',
  'tls.checked':
    "The peer's certificate and name are checked unless the caller said otherwise in so many words.",
  'life.ref': 'Open sockets keep the process alive unless `unref`ed.',
  'life.end': 'The end of a provider aborts what is left and settles everything.',

  'deadline.signal':
    'Aborting it rejects the call with `signal.reason` and gives back everything the call holds.',
  'deadline.timeout':
    'Milliseconds after which the call fails with `ETIMEDOUT`; `connect` with a `ConnectError` of such errors.',
  'limits.high-water': 'Unsent bytes at and above which `write` answers `false`, and `drain` follows.',
  'limits.overflow': 'Unsent bytes above which a further `write` throws `OverflowError`.',
  'limits.waiting':
    'A write that waits may count as `MESSAGE_OVERHEAD` more there, and does if it has a `done`.',

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

  'provider.bind':
    'Makes a bound, or a connected, message socket: UDP, Unix datagrams, or sequenced packets.',
  'provider.packets':
    "The same for Unix sockets of sequenced packets: what is accepted, and what `bind` makes with `type: 'seqpacket'`, are each other's peers.",
  'provider.resolve': 'Numeric text is answered without a look-up.',
  'provider.interfaces': 'The addresses of this machine.',
  'provider.sockets': 'What is open now, for tables, consoles and leak reports.',
  'provider.abort': 'Aborts the socket with this number, whoever has it, as its own `abort` does.',
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
  'read.pause':
    'Stops reading, after at most the chunk in hand. What is told meanwhile is of writes only: `done` and `drain`.',
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
    'Closes the listener. What it has accepted stays open; connections still in the backlog are reset.',

  'bind.host':
    'A numeric address of this machine, or of a multicast group. Default: all of them, of the family of `remote` or else IPv4.',
  'bind.port': 'Default 0: a free port, told by `local`.',
  'bind.remote': 'Connects the socket.',
  'bind.peer': 'Where a connected UDP socket sends to, and the only one that it hears.',
  'bind.name': 'A name, of which the first address is taken, or a numeric address.',
  'bind.family': 'Resolves the name of `remote` to an address of this family.',
  'bind.reuse-address':
    'Lets sockets share the address; each multicast datagram comes to all of them (SO_REUSEADDR).',
  'bind.reuse-port':
    'Lets sockets share the address; the kernel spreads unicast datagrams over them (SO_REUSEPORT).',
  'bind.ipv6-only': 'On `::`, do not receive over IPv4 as well.',
  'bind.icmp':
    'Has errors that the network reports (ICMP) told to `DatagramSink.error`, also on a socket that is not connected.',
  'bind.options': 'Options set before the socket is bound.',
  'bind.path': "What others can send to: a file's path, or a NUL and an abstract name.",
  'bind.unnamed': 'Left out, the socket has no name.',

  'datagram.order': 'A socket that sends and receives messages whole, and in the order in which they come.',
  'datagram.start': 'Begins to receive.',
  'datagram.restart': 'Called again, it replaces sink and options, from the next datagram on.',
  'datagram.restart-cut':
    'One that had been received by then, and not told, may be as the options before asked for: cut to their `maxSize`, which it tells, and with their `meta`.',
  'datagram.pause': 'Stops receiving, after at most the datagram in hand.',
  'datagram.pause-sends':
    'What is told meanwhile is of sends only: `done`, `drain`, and the `error` of a datagram without a `done`.',
  'datagram.pause-errors': 'Other errors, and the end of a seqpacket, are told after `resume`.',
  'datagram.pause-first': 'May be called before `start`.',
  'datagram.kernel':
    "What comes meanwhile waits in the kernel's buffer, which drops what finds no room, and counts it in `drops`.",
  'datagram.drops':
    'Datagrams that came and were dropped because nobody read them in time, as far as the provider can know; else 0.',
  'datagram.counters': 'Datagrams that the kernel has taken.',
  'datagram.buffered':
    'What was taken by `send` and not yet by the kernel: of each message its bytes and `MESSAGE_OVERHEAD`, also of an empty one.',
  'datagram.max-size': 'Most bytes of one datagram; a longer one arrives cut.',
  'datagram.meta': 'What can be told of each received datagram, beside its bytes and sender.',
  'datagram.timestamp': "Nanoseconds since 1970, by the kernel's clock.",
  'datagram.sender': 'Of a Unix socket without a name its `path` is empty.',
  'datagram.drain':
    '`bufferedAmount` has come down to nothing after a `send` answered `false`, or a `sendMany` did not take all.',
  'datagram.error':
    'Something went wrong that ends nothing: a datagram without a `done` could not be sent, receiving failed, or, where `icmpErrors` asked for them, the network reports that one did not arrive.',
  'datagram.close':
    "The last call, exactly once: `null` after one's own `close()` or `abort()`, or when the peer of a seqpacket has closed.",
  'datagram.throw': 'Exceptions that it throws are reported as uncaught.',
  'datagram.to': 'An address, not a name. Must be left out on a connected socket, and only there.',
  'datagram.close-flush':
    'Sends what was taken, then closes. Unread datagrams are dropped. Rejects only if the deadline passes first.',

  'send.order': 'Takes one datagram to be sent, after those taken before for the same address.',
  'send.done': 'told, once and never inside `send`, when the datagram is with the kernel or will never be',
  'send.result': '`false` if `bufferedAmount` is now at or above the high-water mark: `drain` follows',
  'send.overflow': 'more than `writeLimit` bytes wait already; nothing was taken',
  'send.argument': '`message` is not one, or has `to` where it must not, or not where it must',
  'send.reads': 'Sizes, addresses and ports are read when the call is made; nothing of it is kept.',
  'send.many':
    'Takes datagrams from the first on, until `bufferedAmount` is at or above the high-water mark.',
  'send.once': 'For this datagram alone.',
  'send.from': 'The address of this machine to send from.',

  'group.join': 'Joins a group.',
  'group.leave': 'Leaves a group that was joined with the same words.',
  'group.list': 'The groups joined now, in the order of joining.',
  'group.where': 'A multicast group, and where it is joined.',
  'group.source': 'Only what this sender sends (source-specific multicast).',
} as const;

/** The name of a row of `PROMISES`. */
export type PromiseId = keyof typeof PROMISES;
