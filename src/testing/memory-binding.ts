/** Binds and connects message sockets in a memory network, as bind(2) and connect(2) do. */
import type { IpAddress, IpEndpoint } from '../base/address.ts';
import { SystemError } from '../base/errors.ts';
import type { UdpBindPlan, UnixBindPlan } from '../base/validate-datagram.ts';
import type { UnixListenPlan } from '../base/validate.ts';
import { deferred } from './deferred.ts';
import type { ManualSignal } from './manual-signal.ts';
import { MemoryBacklog } from './memory-backlog.ts';
import { isMulticast } from './memory-groups.ts';
import type { MemoryNetwork } from './memory-network.ts';
import { shownPath } from './memory-paths.ts';
import type { MemoryUdpSocket } from './memory-udp-socket.ts';
import { MemoryUnixSocket, UNNAMED } from './memory-unix-messages.ts';

const ON_ALL: Readonly<Record<IpAddress['family'], string>> = { ipv4: '0.0.0.0', ipv6: '::' };

/** @throws {SystemError} the fault that was planted for a bind */
function meetFault(network: MemoryNetwork, transport: 'udp' | 'unix'): void {
  const code = network.faults.meet('bind');
  if (code !== null) throw new SystemError(code, { op: 'bind', syscall: 'bind', transport });
}

/** @throws {SystemError} `EADDRINUSE`, `EADDRNOTAVAIL` */
export function bindUdp(
  network: MemoryNetwork,
  plan: UdpBindPlan,
  remote: IpEndpoint | undefined,
): MemoryUdpSocket {
  meetFault(network, 'udp');
  const family = plan.family ?? remote?.family ?? 'ipv4';
  const asked: IpAddress = plan.host ?? { family, host: ON_ALL[family] };
  if (!isMulticast(asked) && !network.udp.isBroadcast(asked)) network.requireOwn(asked, 'bind', 'udp');
  // Connecting settles which of all addresses it is (udp(7)).
  const isOpenToAll = asked.host === ON_ALL[asked.family];
  const address = isOpenToAll && remote !== undefined ? network.udp.sourceFor(remote) : asked;
  const { reuseAddress, reusePort, icmpErrors, ipv6Only = false } = plan;
  const flags = { reuseAddress, reusePort, icmpErrors, ipv6Only };
  return network.udp.bind({ ...address, port: plan.port }, remote, flags, () => network.open());
}

/** @throws {SystemError} `EADDRINUSE`, `ENOENT`, `ECONNREFUSED`, `EPROTOTYPE` */
export function bindUnix(network: MemoryNetwork, plan: UnixBindPlan): MemoryUnixSocket {
  meetFault(network, 'unix');
  const { path, remotePath } = plan;
  const target = remotePath === undefined ? null : network.paths.find(remotePath, 'datagram', 'bind');
  return makeUnix(network, 'datagram', { path, remotePath }, target, (socket) => {
    if (path !== undefined) network.paths.bind({ ...plan, path }, { datagram: socket }, 'bind');
  });
}

interface UnixNames {
  readonly path: string | Uint8Array | undefined;
  readonly remotePath: string | Uint8Array | undefined;
}

function makeUnix(
  network: MemoryNetwork,
  type: 'datagram' | 'seqpacket',
  { path, remotePath }: UnixNames,
  target: MemoryUnixSocket | null,
  bind: (socket: MemoryUnixSocket) => void,
): MemoryUnixSocket {
  let release: () => void = () => undefined;
  const { faults, bufferSize, unixMessages } = network;
  const socket: MemoryUnixSocket = new MemoryUnixSocket(
    {
      transport: 'unix',
      type,
      local: path === undefined ? UNNAMED : { family: 'unix', path: shownPath(path) },
      remote: remotePath === undefined ? undefined : { family: 'unix', path: shownPath(remotePath) },
      faults,
      bufferSize,
      released: () => {
        network.paths.remove(socket);
        release();
      },
    },
    unixMessages,
    target,
  );
  bind(socket);
  release = network.open();
  return socket;
}

/**
 * Connects a socket of sequenced packets, when there is room in the backlog.
 *
 * @throws {SystemError} `EADDRINUSE`, `ENOENT`, `ECONNREFUSED`, `EPROTOTYPE`
 * @throws the reason of `stop`, if it aborts first
 */
export async function connectPackets(
  network: MemoryNetwork,
  plan: UnixBindPlan & { readonly remotePath: string | Uint8Array },
  stop: ManualSignal,
): Promise<MemoryUnixSocket> {
  meetFault(network, 'unix');
  const { path, remotePath } = plan;
  const find = (): PacketBacklog => network.paths.find(remotePath, 'seqpacket', 'bind');
  for (let backlog = find(); !backlog.hasRoom; backlog = find()) await room(backlog, stop);
  const backlog = find();
  const client = makeUnix(network, 'seqpacket', { path, remotePath }, null, (socket) => {
    if (path !== undefined) network.paths.bind({ ...plan, path }, { connected: socket }, 'bind');
  });
  const { faults, bufferSize, unixMessages } = network;
  const server = new MemoryUnixSocket(
    {
      transport: 'unix',
      type: 'seqpacket',
      local: { family: 'unix', path: shownPath(remotePath) },
      remote: client.local,
      faults,
      bufferSize,
      released: () => undefined,
    },
    unixMessages,
  );
  MemoryUnixSocket.join(client, server);
  backlog.add(server);
  return client;
}

/** Connections of sequenced packets that wait to be accepted. */
export type PacketBacklog = MemoryBacklog<MemoryUnixSocket>;

async function room(backlog: PacketBacklog, stop: ManualSignal): Promise<void> {
  const { promise, resolve, reject } = deferred<undefined>();
  const cancel = backlog.wait(() => {
    resolve(undefined);
  });
  const onAbort = (): void => {
    reject(stop.reason);
  };
  stop.addEventListener('abort', onAbort);
  try {
    if (stop.aborted) onAbort();
    await promise;
  } finally {
    cancel();
    stop.removeEventListener('abort', onAbort);
  }
}

/** @throws {SystemError} `EADDRINUSE` */
export function listenForPackets(network: MemoryNetwork, plan: UnixListenPlan): PacketBacklog {
  const local = { family: 'unix', path: shownPath(plan.path) } as const;
  const flags = { reusePort: false, ipv6Only: false };
  const backlog: PacketBacklog = new MemoryBacklog<MemoryUnixSocket>(local, plan.backlog, flags);
  network.paths.bind(plan, { seqpacket: backlog }, 'listen');
  return backlog;
}
