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
}

/* prettier-ignore */
const TABLE = {
  'tcp-connect':              { subject: 'address',  action: 'connect',    isOwn: false, words: 'connect to {}' },
  'tcp-listen':               { subject: 'address',  action: 'listen',     isOwn: true,  words: 'accept connections on {}' },
  'udp-bind':                 { subject: 'address',  action: 'bind',       isOwn: true,  words: 'receive messages on {}' },
  'udp-send-to':              { subject: 'address',  action: 'send',       isOwn: false, words: 'send messages to {}' },
  'udp-multicast-membership': { subject: 'host',     action: 'join',       isOwn: false, words: 'listen to the multicast groups of {}' },
  'unix-connect':             { subject: 'path',     action: 'connect',    isOwn: false, words: 'connect to programs on this computer at {}' },
  'unix-listen':              { subject: 'path',     action: 'listen',     isOwn: true,  words: 'accept programs on this computer at {}' },
  'resolve-host':             { subject: 'host',     action: 'resolve',    isOwn: false, words: 'look up the addresses of {}' },
  'resolve-proxy':            { subject: 'none',     action: 'resolve',    isOwn: false, words: 'learn which proxies are in use' },
  'network-state':            { subject: 'none',     action: 'interfaces', isOwn: false, words: 'learn the addresses of this computer' },
  'raw-open':                 { subject: 'protocol', action: 'open',       isOwn: false, words: 'read and write raw packets of {}' },
  'packet-open':              { subject: 'protocol', action: 'open',       isOwn: false, words: 'read and write all that passes {}' },
  'netlink-open':             { subject: 'protocol', action: 'open',       isOwn: false, words: "talk to the system's {}" },
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
