/** What is judged is what is done: options that nobody else can change, and what they ask for. */
import type { IpAddress } from '../base/address.ts';
import type { UdpBindOptions } from '../base/datagram.ts';
import type {
  BindOptions,
  ConnectOptions,
  ListenOptions,
  PacketListenOptions,
  TcpConnectOptions,
  TcpListenOptions,
} from '../base/provider.ts';
import { requireObject } from '../base/rules.ts';
import type { UdpBindPlan } from '../base/validate-datagram.ts';
import { validateBind } from '../base/validate-datagram.ts';
import type { DeadlinePlan, TcpConnectPlan } from '../base/validate.ts';
import { validateConnect, validateListen, validateListenPackets } from '../base/validate.ts';
import { pathText } from './admit.ts';
import type { HostQuestion } from './judged-hosts.ts';
import type { SocketRequest } from './rule.ts';

const LISTEN_HOST = '127.0.0.1';

export interface Asked<O> {
  readonly plan: DeadlinePlan;
  /** A peer that may be a name: it is judged first. */
  readonly peer?: HostQuestion | undefined;
  /** The rest. @param addresses of the peer */
  settle(addresses: readonly IpAddress[]): Settled<O>;
}

export interface Settled<O> {
  /** What to call the provider with. */
  readonly own: O;
  readonly requests: readonly SocketRequest[];
}

function settled<O>(own: O, plan: DeadlinePlan, ...requests: readonly SocketRequest[]): Asked<O> {
  return { plan, settle: () => ({ own, requests }) };
}

function copy<O extends object>(options: O): O {
  requireObject(options, 'options');
  return { ...options };
}

function unixRequest(op: 'unix-connect' | 'unix-listen', path: string | Uint8Array): SocketRequest {
  return { op, host: pathText(path), port: 0 };
}

export function readConnect(options: ConnectOptions): Asked<ConnectOptions> {
  const own = copy(options);
  const plan = validateConnect(own);
  if (plan.transport === 'unix') {
    const { path } = plan;
    return settled({ ...own, path }, plan, unixRequest('unix-connect', path));
  }
  return readTcpConnect(own as TcpConnectOptions, plan);
}

function readTcpConnect(own: TcpConnectOptions, plan: TcpConnectPlan): Asked<ConnectOptions> {
  const { host, port, family, addresses } = plan;
  const peer: HostQuestion = { op: 'tcp-connect', host, port, family, addresses };
  return {
    plan,
    peer,
    settle: (judged) => ({ own: { ...own, host, port, addresses: judged }, requests: [] }),
  };
}

export function readListen(options: ListenOptions): Asked<ListenOptions> {
  const own = copy(options);
  const plan = validateListen(own);
  if (plan.transport === 'unix') {
    const { path } = plan;
    return settled({ ...own, path }, plan, unixRequest('unix-listen', path));
  }
  const { host = LISTEN_HOST } = own as TcpListenOptions;
  return settled({ ...own, host }, plan, { op: 'tcp-listen', host, port: plan.port });
}

export function readListenPackets(options: PacketListenOptions): Asked<PacketListenOptions> {
  const own = copy(options);
  const plan = validateListenPackets(own);
  const { path } = plan;
  return settled({ ...own, path }, plan, unixRequest('unix-listen', path));
}

/** Binding asks for one's own address and, where the socket is connected, for the peer's. */
export function readBind(options: BindOptions): Asked<BindOptions> {
  const own = copy(options);
  const plan = validateBind(own);
  if (plan.transport === 'udp') return readUdpBind(own, plan);
  const { path, remotePath } = plan;
  return settled(
    { ...own, path, remotePath },
    plan,
    ...(path === undefined ? [] : [unixRequest('unix-listen', path)]),
    ...(remotePath === undefined ? [] : [unixRequest('unix-connect', remotePath)]),
  );
}

function readUdpBind(own: UdpBindOptions, plan: UdpBindPlan): Asked<UdpBindOptions> {
  const { port, remote, family } = plan;
  return {
    plan,
    peer: remote && { op: 'udp-send-to', ...remote, family, addresses: undefined },
    settle: ([first]) => {
      const { host = (first?.family ?? family) === 'ipv6' ? '::' : '0.0.0.0' } = own;
      const peer = first && remote && { host: addressText(first), port: remote.port };
      return { own: { ...own, host, remote: peer }, requests: [{ op: 'udp-bind', host, port }] };
    },
  };
}

function addressText({ host, scope }: IpAddress): string {
  return scope === undefined ? host : `${host}%${scope}`;
}
