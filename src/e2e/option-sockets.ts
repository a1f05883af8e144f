/** Sockets of every kind that has options, each ready for the options that it is to show. */
import { loadNative } from '../addon/load.ts';
import { Socket } from '../posix/socket.ts';

const { constants } = loadNative();

/** Groups and sources that the sockets below join and block: all of them on the loopback interface. */
export const GROUP = '239.255.7.7';
export const GROUP6 = 'ff12::7:7';
export const SOURCE = '127.0.0.2';
export const SOURCE6 = '::1';
export const LOOPBACK = '127.0.0.1';
/** A flow label that no other process takes. */
export const LABEL: number = 0x10000 | (process.pid & 0xffff);

/** Waits no longer than this for what happens at once on one machine, in milliseconds. */
const PATIENCE = 10_000;

export interface Made {
  readonly socket: Socket;
  /** Others that have to live as long. */
  readonly also: readonly Socket[];
}

const tcp = (): Socket => Socket.socket('AF_INET', 'SOCK_STREAM');
const udp = (): Socket => Socket.socket('AF_INET', 'SOCK_DGRAM');
const udp6 = (): Socket => Socket.socket('AF_INET6', 'SOCK_DGRAM');
const packet = (): Socket => Socket.socket('AF_PACKET', 'SOCK_RAW');

/** Remembers sockets as they are made: all of them are closed if making the next one fails. */
function making(make: (keep: (socket: Socket) => Socket) => Socket): Made {
  const all: Socket[] = [];
  try {
    const socket = make((each) => {
      all.push(each);
      return each;
    });
    return { socket, also: all.filter((each) => each !== socket) };
  } catch (error) {
    for (const each of all) each.close();
    throw error;
  }
}

const alone = (socket: Socket): Made => ({ socket, also: [] });

/** Gives `socket` away after `prepare`. */
function prepared(socket: Socket, prepare: (socket: Socket) => void): Made {
  return making((keep) => {
    prepare(keep(socket));
    return socket;
  });
}

interface Connection {
  readonly protocol?: number;
  readonly prepareListener?: (listener: Socket) => void;
  readonly prepareClient?: (client: Socket) => void;
}

/** A connection over loopback, of which the end that connected or the one that was accepted is given away. */
function connection(which: 'client' | 'accepted', options: Connection = {}): Made {
  const { protocol = 0, prepareListener, prepareClient } = options;
  return making((keep) => {
    const listener = keep(Socket.socket('AF_INET', 'SOCK_STREAM', protocol));
    prepareListener?.(listener);
    listener.bind({ family: 'ipv4', host: LOOPBACK, port: 0 });
    listener.listen();
    const client = keep(Socket.socket('AF_INET', 'SOCK_STREAM', protocol));
    client.connect(listener.localAddress(), { timeout: PATIENCE });
    const accepted = keep(listener.accept({ timeout: PATIENCE }).socket);
    prepareClient?.(client);
    return which === 'client' ? client : accepted;
  });
}

/** A socket of IPv6 with an IPv4 peer, by its mapped address. */
function mapped(): Made {
  return making((keep) => {
    const listener = keep(tcp());
    listener.bind({ family: 'ipv4', host: LOOPBACK, port: 0 });
    listener.listen();
    const address = listener.localAddress();
    const port = address.family === 'ipv4' ? address.port : 0;
    const socket = keep(Socket.socket('AF_INET6', 'SOCK_STREAM'));
    socket.connect({ family: 'ipv6', host: `::ffff:${LOOPBACK}`, port }, { timeout: PATIENCE });
    return socket;
  });
}

function pair(): Made {
  const [socket, other] = Socket.pair();
  return { socket, also: [other] };
}

const PROGRAM = [{ code: constants.BPF_RET | constants.BPF_K, k: 0 }];

/** By the names that the table has for kinds, and by more special ones, that begin with them. */
export const MAKERS: Readonly<Record<string, () => Made>> = {
  can: () => alone(Socket.socket('AF_CAN', 'SOCK_RAW', 'CAN_RAW')),
  icmp6: () => alone(Socket.socket('AF_INET6', 'SOCK_RAW', 'IPPROTO_ICMPV6')),
  isotp: () => alone(Socket.socket('AF_CAN', 'SOCK_DGRAM', 'CAN_ISOTP')),
  j1939: () => alone(Socket.socket('AF_CAN', 'SOCK_DGRAM', 'CAN_J1939')),
  mptcp: () => connection('client', { protocol: constants.IPPROTO_MPTCP }),
  netlink: () => alone(Socket.socket('AF_NETLINK', 'SOCK_RAW', 'NETLINK_ROUTE')),
  'netlink joined': () =>
    prepared(Socket.socket('AF_NETLINK', 'SOCK_RAW', 'NETLINK_ROUTE'), (socket) => {
      socket.setOption('SOL_NETLINK', 'NETLINK_ADD_MEMBERSHIP', constants.RTNLGRP_LINK);
    }),
  packet: () => alone(packet()),
  'packet bound': () =>
    prepared(packet(), (socket) => {
      socket.bind({ family: 'packet', protocol: constants.ETH_P_LOOP, interface: 'lo' });
    }),
  'packet fanned': () =>
    prepared(packet(), (socket) => {
      socket.bind({ family: 'packet', protocol: constants.ETH_P_LOOP, interface: 'lo' });
      const type_flags = constants.PACKET_FANOUT_CBPF | constants.PACKET_FANOUT_FLAG_ROLLOVER;
      socket.setOption('SOL_PACKET', 'PACKET_FANOUT', { id: (process.pid & 0x7fff) | 0x8000, type_flags });
    }),
  'packet member': () =>
    prepared(packet(), (socket) => {
      socket.setOption('SOL_PACKET', 'PACKET_ADD_MEMBERSHIP', {
        interface: 'lo',
        type: constants.PACKET_MR_ALLMULTI,
      });
    }),
  raw: () => alone(Socket.socket('AF_INET', 'SOCK_RAW', 'IPPROTO_ICMP')),
  raw6: () => alone(Socket.socket('AF_INET6', 'SOCK_RAW', 'IPPROTO_RAW')),
  tcp: () => alone(tcp()),
  'tcp accepted': () =>
    connection('accepted', {
      prepareListener: (listener) => {
        listener.setOption('IPPROTO_TCP', 'TCP_SAVE_SYN', 1);
      },
    }),
  'tcp connected': () => connection('client'),
  'tcp repairing': () =>
    connection('client', {
      prepareClient: (client) => {
        client.setOption('IPPROTO_TCP', 'TCP_REPAIR', constants.TCP_REPAIR_ON);
      },
    }),
  'tcp under repair': () =>
    prepared(tcp(), (socket) => {
      socket.setOption('IPPROTO_TCP', 'TCP_REPAIR', constants.TCP_REPAIR_ON);
      socket.setOption('IPPROTO_TCP', 'TCP_REPAIR_QUEUE', constants.TCP_SEND_QUEUE);
    }),
  tcp6: () => alone(Socket.socket('AF_INET6', 'SOCK_STREAM')),
  'tcp6 mapped': mapped,
  udp: () => alone(udp()),
  'udp blocking a source': () =>
    prepared(udp(), (socket) => {
      socket.setOption('IPPROTO_IP', 'IP_ADD_MEMBERSHIP', { multiaddr: GROUP, address: LOOPBACK });
      const source = { multiaddr: GROUP, interface: LOOPBACK, sourceaddr: SOURCE };
      socket.setOption('IPPROTO_IP', 'IP_BLOCK_SOURCE', source);
    }),
  'udp connected': () =>
    prepared(udp(), (socket) => {
      socket.connect({ family: 'ipv4', host: LOOPBACK, port: 9 });
    }),
  'udp filtered': () =>
    prepared(udp(), (socket) => {
      socket.setOption('SOL_SOCKET', 'SO_ATTACH_FILTER', PROGRAM);
    }),
  'udp in a group': () =>
    prepared(udp(), (socket) => {
      socket.setOption('IPPROTO_IP', 'IP_ADD_MEMBERSHIP', { multiaddr: GROUP, address: LOOPBACK });
    }),
  'udp in a group of one source': () =>
    prepared(udp(), (socket) => {
      const source = { multiaddr: GROUP, interface: LOOPBACK, sourceaddr: SOURCE };
      socket.setOption('IPPROTO_IP', 'IP_ADD_SOURCE_MEMBERSHIP', source);
    }),
  'udp sharing its port': () =>
    prepared(udp(), (socket) => {
      socket.setOption('SOL_SOCKET', 'SO_REUSEPORT', true);
      socket.bind({ family: 'ipv4', host: LOOPBACK, port: 0 });
    }),
  'udp sharing its port by a program': () =>
    prepared(udp(), (socket) => {
      socket.setOption('SOL_SOCKET', 'SO_REUSEPORT', true);
      socket.bind({ family: 'ipv4', host: LOOPBACK, port: 0 });
      socket.setOption('SOL_SOCKET', 'SO_ATTACH_REUSEPORT_CBPF', PROGRAM);
    }),
  udp6: () => alone(udp6()),
  'udp6 blocking a source': () =>
    prepared(udp6(), (socket) => {
      socket.setOption('IPPROTO_IPV6', 'MCAST_JOIN_GROUP', { interface: 'lo', group: GROUP6 });
      const source = { interface: 'lo', group: GROUP6, source: SOURCE6 };
      socket.setOption('IPPROTO_IPV6', 'MCAST_BLOCK_SOURCE', source);
    }),
  'udp6 connected': () =>
    prepared(udp6(), (socket) => {
      socket.connect({ family: 'ipv6', host: '::1', port: 9 });
    }),
  'udp6 with a flow label': () =>
    prepared(udp6(), (socket) => {
      socket.setOption('IPPROTO_IPV6', 'IPV6_FLOWLABEL_MGR', {
        dst: '::1',
        label: LABEL,
        action: constants.IPV6_FL_A_GET,
        flags: constants.IPV6_FL_F_CREATE,
        share: constants.IPV6_FL_S_EXCL,
      });
      socket.setOption('IPPROTO_IPV6', 'IPV6_FLOWINFO_SEND', true);
      socket.connect({ family: 'ipv6', host: '::1', port: 9, flowInfo: LABEL });
    }),
  'udp6 in a group': () =>
    prepared(udp6(), (socket) => {
      socket.setOption('IPPROTO_IPV6', 'IPV6_ADD_MEMBERSHIP', { multiaddr: GROUP6, interface: 'lo' });
    }),
  'udp6 in a group of one source': () =>
    prepared(udp6(), (socket) => {
      const source = { interface: 'lo', group: GROUP6, source: SOURCE6 };
      socket.setOption('IPPROTO_IPV6', 'MCAST_JOIN_SOURCE_GROUP', source);
    }),
  udplite: () => alone(Socket.socket('AF_INET', 'SOCK_DGRAM', 'IPPROTO_UDPLITE')),
  unix: pair,
  vsock: () => alone(Socket.socket('AF_VSOCK', 'SOCK_STREAM')),
};
