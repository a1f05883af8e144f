/** Sockets below IP and beside it: packets of a link, netlink, and machines that are next to each other. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { loadNative } from '../addon/load.ts';
import { SystemError } from '../base/errors.ts';
import { bytes, textOf, WAIT, whyNo } from '../e2e/families-kit.ts';
import { NetworkNamespace, whyNoNamespace } from '../e2e/network-namespace.ts';
import type { PacketAddress, SocketAddress } from './address.ts';
import type { Socket } from './socket.ts';
import { closing, open, settledLeakCheck } from './test-kit.ts';

const { constants } = loadNative();

const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

/** A network with nothing in it but `lo`. */
async function lonely(t: TestContext): Promise<NetworkNamespace> {
  const space = new NetworkNamespace();
  t.after(() => space.close());
  await space.ip('link', 'set', 'lo', 'up');
  return space;
}

const skip = whyNoNamespace();

// --- packets ------------------------------------------------------------------------------------

const LOOPBACK_INDEX = 1;
const ETHERNET_HEADER = 14;
const IP_HEADER = 20;
const UDP_HEADER = 8;
/** For experiments (IEEE 802). */
const EXPERIMENTAL = 0x88b5;
const NO_ADDRESS = new Uint8Array(6);

const ipProtocol = { family: 'packet', protocol: constants.ETH_P_IP, interface: LOOPBACK_INDEX } as const;
const received: PacketAddress = {
  ...ipProtocol,
  hardwareType: constants.ARPHRD_LOOPBACK,
  packetType: constants.PACKET_HOST,
  address: NO_ADDRESS,
};

/** Sends a datagram in that network. @returns the port that it is from and for */
async function sendDatagram(t: TestContext, space: NetworkNamespace, text: string): Promise<number> {
  const socket = closing(t, await space.socket('AF_INET', 'SOCK_DGRAM'));
  socket.bind({ family: 'ipv4', host: '127.0.0.1', port: 0 });
  const address = socket.localAddress();
  socket.sendTo(bytes(text), address);
  return 'port' in address ? address.port : 0;
}

/** Source and destination port, and the payload, of a datagram of IPv4. */
function datagramIn(packet: Uint8Array): readonly [from: number, to: number, text: string] {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  assert.equal(view.getUint8(0), 0x45);
  const text = textOf(packet.subarray(IP_HEADER + UDP_HEADER));
  return [view.getUint16(IP_HEADER), view.getUint16(IP_HEADER + 2), text];
}

async function tap(t: TestContext, space: NetworkNamespace, ...kind: Kind): Promise<Socket> {
  const socket = closing(t, await space.socket(...kind));
  // Else everything is seen twice on `lo`.
  socket.setOption('SOL_PACKET', 'PACKET_IGNORE_OUTGOING', true);
  return socket;
}
type Kind = Parameters<NetworkNamespace['socket']>;

test('AF_PACKET SOCK_RAW sees a datagram pass, header and all', { skip }, async (t) => {
  const space = await lonely(t);
  const socket = await tap(t, space, 'AF_PACKET', 'SOCK_RAW', 'ETH_P_ALL');
  assert.deepEqual(socket.localAddress(), {
    family: 'packet',
    protocol: constants.ETH_P_ALL,
    interface: 0,
    hardwareType: 0,
    packetType: 0,
    address: new Uint8Array(0),
  });
  const port = await sendDatagram(t, space, 'raw');
  const { data, address } = socket.recvFrom(2048, WAIT);
  assert.deepEqual(address, received);
  assert.deepEqual(data.subarray(0, ETHERNET_HEADER), Uint8Array.of(...new Uint8Array(12), 0x08, 0x00));
  assert.deepEqual(datagramIn(data.subarray(ETHERNET_HEADER)), [port, port, 'raw']);
});

test('AF_PACKET SOCK_DGRAM sees it without the header of the link', { skip }, async (t) => {
  const space = await lonely(t);
  const socket = await tap(t, space, 'AF_PACKET', 'SOCK_DGRAM', 'ETH_P_IP');
  const port = await sendDatagram(t, space, 'cooked');
  const { data, address } = socket.recvFrom(2048, WAIT);
  assert.deepEqual(address, received);
  assert.deepEqual(datagramIn(data), [port, port, 'cooked']);
});

test('socket takes the protocol of packets by name, or in network order as a number', { skip }, async (t) => {
  const space = await lonely(t);
  const swapped = ((constants.ETH_P_IP & 0xff) << 8) | (constants.ETH_P_IP >> 8);
  const byNumber = await tap(t, space, 'AF_PACKET', 'SOCK_DGRAM', swapped);
  const byName = await tap(t, space, 'AF_PACKET', 'SOCK_DGRAM', 'ETH_P_IP');
  const other = await tap(t, space, 'AF_PACKET', 'SOCK_DGRAM', 'ETH_P_ARP');
  const protocols = [byNumber, byName, other].map((each) => {
    const address = each.localAddress();
    return address.family === 'packet' && address.protocol;
  });
  assert.deepEqual(protocols, [constants.ETH_P_IP, constants.ETH_P_IP, constants.ETH_P_ARP]);
  const port = await sendDatagram(t, space, 'all');
  for (const each of [byNumber, byName]) assert.equal(datagramIn(each.recv(2048, WAIT))[0], port);
  assert.equal(other.recv(), null);
});

test('bind has a packet socket hear one protocol on one interface', { skip }, async (t) => {
  const space = await lonely(t);
  await space.ip('link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
  const there = await space.interfaceIndex('v0');
  const [one, two] = [
    await tap(t, space, 'AF_PACKET', 'SOCK_DGRAM'),
    await tap(t, space, 'AF_PACKET', 'SOCK_DGRAM'),
  ];
  one.bind({ ...ipProtocol, interface: 'lo' });
  two.bind({ ...ipProtocol, interface: there });
  assert.equal((two.localAddress() as PacketAddress).interface, there);
  assert.equal((two.localAddress() as PacketAddress).hardwareType, constants.ARPHRD_ETHER);
  const port = await sendDatagram(t, space, 'x');
  assert.equal(datagramIn(one.recv(2048, WAIT))[0], port);
  // It was bound to an interface that is down, which is told once.
  assert.throws(() => two.recv(), { code: 'ENETDOWN' });
  assert.equal(two.recv(), null);
});

test('AF_PACKET sends frames of its own making, and has them made', { skip }, async (t) => {
  const space = await lonely(t);
  const socket = await tap(t, space, 'AF_PACKET', 'SOCK_RAW');
  socket.bind({ family: 'packet', protocol: EXPERIMENTAL, interface: 'lo' });
  const cooked = closing(t, await space.socket('AF_PACKET', 'SOCK_DGRAM'));
  const target = Uint8Array.of(2, 0, 0, 0, 0, 1);
  const to: SocketAddress = { family: 'packet', protocol: EXPERIMENTAL, interface: 'lo', address: target };
  assert.equal(cooked.sendTo(bytes('cooked'), to), 6);
  const first = socket.recvFrom(2048, WAIT);
  assert.deepEqual(first.data, Uint8Array.of(...target, ...NO_ADDRESS, 0x88, 0xb5, ...bytes('cooked')));
  // It is for another machine, by its address.
  assert.equal((first.address as PacketAddress).packetType, constants.PACKET_OTHERHOST);
  const frame = Uint8Array.of(...NO_ADDRESS, ...NO_ADDRESS, 0x88, 0xb5, ...bytes('raw'));
  assert.equal(socket.send(frame), frame.length);
  assert.deepEqual(socket.recv(2048, WAIT), frame);
  assert.throws(() => socket.send(frame.subarray(0, 10)), { code: 'EINVAL' });
});

// --- netlink ------------------------------------------------------------------------------------

const HEADER = 16;
/** `struct ifinfomsg`, and where its index and flags stand. */
const IFINFO = 16;
/** What an attribute of a link, and the end of many messages, are called (`linux/if_link.h`, `linux/netlink.h`). */
const IFLA_IFNAME = 3;
const NLMSG_DONE = 3;

interface LinkMessage {
  readonly type: number;
  readonly sequence: number;
  readonly index?: number;
  readonly flags?: number;
  readonly name?: string;
}

/** The name among the attributes of a link. */
function linkName(data: Uint8Array): string {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  for (let at = 0; at + 4 <= data.length;) {
    const length = view.getUint16(at, true);
    assert.ok(length >= 4);
    if (view.getUint16(at + 2, true) === IFLA_IFNAME) return textOf(data.subarray(at + 4, at + length - 1));
    at += (length + 3) & ~3;
  }
  return '';
}

/** The messages of netlink in a datagram. */
function linkMessages(data: Uint8Array): readonly LinkMessage[] {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const found: LinkMessage[] = [];
  for (let at = 0; at + HEADER <= data.length;) {
    const length = view.getUint32(at, true);
    assert.ok(length >= HEADER);
    const message = { type: view.getUint16(at + 4, true), sequence: view.getUint32(at + 8, true) };
    const body = at + HEADER;
    if (message.type !== constants.RTM_NEWLINK) found.push(message);
    else
      found.push({
        ...message,
        index: view.getInt32(body + 4, true),
        flags: view.getUint32(body + 8, true),
        name: linkName(data.subarray(body + IFINFO, at + length)),
      });
    at += (length + 3) & ~3;
  }
  return found;
}

const SEQUENCE = 7;

function linkRequest(): Uint8Array {
  const request = new Uint8Array(HEADER + IFINFO);
  const view = new DataView(request.buffer);
  view.setUint32(0, request.length, true);
  view.setUint16(4, constants.RTM_GETLINK, true);
  view.setUint16(6, constants.NLM_F_REQUEST | constants.NLM_F_DUMP, true);
  view.setUint32(8, SEQUENCE, true);
  return request;
}

const KERNEL: SocketAddress = { family: 'netlink', port: 0, groups: 0 };

test('AF_NETLINK tells of all links, lo among them', (t) => {
  const socket = open(t, 'AF_NETLINK', 'SOCK_RAW', 'NETLINK_ROUTE');
  socket.bind(KERNEL);
  const local = socket.localAddress();
  assert.ok(local.family === 'netlink' && local.port > 0);
  const request = linkRequest();
  assert.equal(socket.sendTo(request, KERNEL), request.length);
  const found: LinkMessage[] = [];
  while (found.at(-1)?.type !== NLMSG_DONE) {
    const { data, address, truncated } = socket.recvFrom(65_536, WAIT);
    assert.equal(truncated, false);
    assert.deepEqual(address, KERNEL);
    found.push(...linkMessages(data));
  }
  assert.ok(found.every(({ sequence }) => sequence === SEQUENCE));
  const lo = found.find(({ name }) => name === 'lo');
  assert.equal(lo?.index, LOOPBACK_INDEX);
  assert.equal((lo.flags ?? 0) & constants.IFF_LOOPBACK, constants.IFF_LOOPBACK);
});

test('AF_NETLINK gives no two sockets one port (EADDRINUSE)', (t) => {
  const first = open(t, 'AF_NETLINK', 'SOCK_RAW', 'NETLINK_ROUTE');
  first.bind(KERNEL);
  const second = open(t, 'AF_NETLINK', 'SOCK_RAW', 'NETLINK_ROUTE');
  assert.throws(
    () => {
      second.bind(first.localAddress());
    },
    { code: 'EADDRINUSE', syscall: 'bind' },
  );
});

test('AF_NETLINK groups are told of a link that goes down', { skip }, async (t) => {
  const space = await lonely(t);
  const byOption = closing(t, await space.socket('AF_NETLINK', 'SOCK_RAW', 'NETLINK_ROUTE'));
  byOption.bind(KERNEL);
  byOption.setOption('SOL_NETLINK', 'NETLINK_ADD_MEMBERSHIP', constants.RTNLGRP_LINK);
  const byAddress = closing(t, await space.socket('AF_NETLINK', 'SOCK_RAW', 'NETLINK_ROUTE'));
  const groups = 1 << (constants.RTNLGRP_LINK - 1);
  byAddress.bind({ family: 'netlink', port: 0, groups });
  assert.equal((byAddress.localAddress() as { groups: number }).groups, groups);
  const deaf = closing(t, await space.socket('AF_NETLINK', 'SOCK_RAW', 'NETLINK_ROUTE'));
  deaf.bind(KERNEL);
  await space.ip('link', 'set', 'lo', 'down');
  for (const socket of [byOption, byAddress]) {
    const { data, address } = await socket.recvFromAsync(65_536, WAIT);
    assert.deepEqual(address, { family: 'netlink', port: 0, groups });
    const [message] = linkMessages(data);
    assert.equal(message?.type, constants.RTM_NEWLINK);
    assert.equal(message.name, 'lo');
    assert.equal((message.flags ?? 0) & constants.IFF_UP, 0);
  }
  assert.equal(deaf.recv(), null);
});

// --- vsock --------------------------------------------------------------------------------------

const noVsock = whyNo('AF_VSOCK', 'SOCK_STREAM');

test('AF_VSOCK binds, listens and has an address', { skip: noVsock }, (t) => {
  const socket = open(t, 'AF_VSOCK', 'SOCK_STREAM');
  const { VMADDR_CID_ANY: cid, VMADDR_PORT_ANY } = constants;
  socket.bind({ family: 'vsock', cid, port: VMADDR_PORT_ANY });
  const address = socket.localAddress();
  assert.ok(address.family === 'vsock' && address.cid === cid && address.port !== VMADDR_PORT_ANY);
  socket.listen();
  assert.equal(socket.accept(), null);
  assert.equal(socket.getOption('SOL_SOCKET', 'SO_ACCEPTCONN'), true);
  assert.throws(
    () => {
      open(t, 'AF_VSOCK', 'SOCK_STREAM').bind(address);
    },
    { code: 'EADDRINUSE', syscall: 'bind' },
  );
  assert.throws(() => open(t, 'AF_VSOCK', 'SOCK_STREAM').remoteAddress(), { code: 'ENOTCONN' });
});

test('AF_VSOCK connects on one machine', { skip: noVsock }, (t) => {
  const listener = open(t, 'AF_VSOCK', 'SOCK_STREAM');
  listener.bind({ family: 'vsock', cid: constants.VMADDR_CID_ANY, port: constants.VMADDR_PORT_ANY });
  listener.listen();
  const { port } = listener.localAddress() as { port: number };
  const client = open(t, 'AF_VSOCK', 'SOCK_STREAM');
  const to: SocketAddress = { family: 'vsock', cid: constants.VMADDR_CID_LOCAL, port };
  try {
    client.connect(to, { timeout: 300 });
  } catch (error) {
    // A kernel without vsock_loopback: nobody answers, or nobody can be asked.
    if (!(error instanceof SystemError && ['ETIMEDOUT', 'ENODEV', 'ECONNRESET'].includes(error.code)))
      throw error;
    t.skip(`no loopback of vsock here: ${error.code}`);
    return;
  }
  const { socket: server, address } = listener.accept(WAIT);
  closing(t, server);
  assert.equal(address?.family, 'vsock');
  client.send(bytes('near'));
  assert.equal(textOf(server.recv(64, WAIT)), 'near');
});
