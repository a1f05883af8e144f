/** What programs ask to do with sockets: one row each, and all that differs from row to row. */

/** What a rule about an op can say of where: hosts and ports, hosts alone, paths, names of protocols, or nothing. */
export type OpSubject = 'address' | 'host' | 'path' | 'protocol' | 'none';

export interface OpRow {
  readonly subject: OpSubject;
  /** The call, as errors name it. */
  readonly action: string;
  /** Whether the address is one's own: then the unspecified one means all of them, and not this machine's loopback. */
  readonly isOwn: boolean;
  /** What a person reads: "connect to …". `{}` is where; without it nothing is said of where. */
  readonly words: string;
  /** What stands there for everywhere. */
  readonly any: string;
}

/* prettier-ignore */
const TABLE = {
  'tcp-connect':              { subject: 'address',  action: 'connect',    isOwn: false, words: 'connect to {}',                               any: 'any host, on the internet and on your local network' },
  'tcp-listen':               { subject: 'address',  action: 'listen',     isOwn: true,  words: 'accept connections on {}',                    any: 'all addresses of this computer' },
  'udp-bind':                 { subject: 'address',  action: 'bind',       isOwn: true,  words: 'receive messages on {}',                      any: 'all addresses of this computer' },
  'udp-send-to':              { subject: 'address',  action: 'send',       isOwn: false, words: 'send messages to {}',                         any: 'any host, on the internet and on your local network' },
  'udp-multicast-membership': { subject: 'host',     action: 'join',       isOwn: false, words: 'listen to {}',                                any: 'all multicast groups' },
  'unix-connect':             { subject: 'path',     action: 'connect',    isOwn: false, words: 'connect to programs on this computer at {}',  any: 'any path' },
  'unix-listen':              { subject: 'path',     action: 'listen',     isOwn: true,  words: 'accept programs on this computer at {}',      any: 'any path' },
  'resolve-host':             { subject: 'host',     action: 'resolve',    isOwn: false, words: 'look up the addresses of {}',                 any: 'any host' },
  'resolve-proxy':            { subject: 'none',     action: 'resolve',    isOwn: false, words: 'learn which proxies are in use',              any: '' },
  'network-state':            { subject: 'none',     action: 'interfaces', isOwn: false, words: 'learn the addresses of this computer',        any: '' },
  'raw-open':                 { subject: 'protocol', action: 'open',       isOwn: false, words: 'read and write raw packets of {}',            any: 'any protocol' },
  'packet-open':              { subject: 'protocol', action: 'open',       isOwn: false, words: 'read and write all that passes {}',           any: 'any network interface' },
  'netlink-open':             { subject: 'protocol', action: 'open',       isOwn: false, words: 'talk to the system by netlink: {}',           any: 'all of it' },
} as const;

/** What a program asks to do, and what a rule is about. Each is judged by itself: none contains another. */
export type SocketOp = keyof typeof TABLE;

export const OPS: Readonly<Record<SocketOp, OpRow>> = TABLE;

export function isOp(text: string): text is SocketOp {
  return Object.hasOwn(OPS, text);
}

/** Ops with one kind of subject, in the order of the table. */
export function opsOf(subject: OpSubject): readonly SocketOp[] {
  return (Object.keys(OPS) as SocketOp[]).filter((op) => OPS[op].subject === subject);
}
