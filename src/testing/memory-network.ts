/**
 * What the kernel and the wires are to real providers: addresses, names, ports, paths, and how addresses answer. Several
 * providers may share one, and then reach each other.
 */
import { parseIp, type IpAddress, type IpEndpoint, type IpFamily } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { ResolveError, SystemError } from '../base/errors.ts';
import { callback, clockRule, object } from '../base/maker-rules.ts';
import type { Attempt } from '../base/happy-eyeballs.ts';
import type { NetworkInterface } from '../base/provider.ts';
import type { Rules } from '../base/rules.ts';
import { integer, optional, readOptions, requireObject, withDefault } from '../base/rules.ts';
import { ManualClock } from './manual-clock.ts';
import type { MemoryBacklog } from './memory-backlog.ts';
import { connectAttempt, type AttemptWorld } from './memory-attempt.ts';
import { fateOf, type DatagramConditions, type DatagramFate } from './memory-conditions.ts';
import { MemoryFaults } from './memory-faults.ts';
import { MemoryPaths } from './memory-paths.ts';
import { MemoryPorts } from './memory-ports.ts';
import { findRow, scenarioRule, type ScenarioRow } from './memory-scenario.ts';
import { DEFAULT_BUFFER_SIZE, MemorySocket } from './memory-socket.ts';
import { MemoryTurns } from './memory-turns.ts';
import { MemoryUdp } from './memory-udp.ts';
import type { UnixMessageWorld } from './memory-unix-messages.ts';

export interface MemoryNetworkOptions {
  /** Tells the time of delays and timeouts. Default: a `ManualClock` of its own, which stands still until it is moved. */
  readonly clock?: Clock | undefined;
  /** The addresses of each name, in the order in which a resolver answers. `localhost` is there already. */
  readonly hosts?: Readonly<Record<string, readonly string[]>> | undefined;
  /** How addresses answer that are not simply listened on. */
  readonly scenario?: readonly ScenarioRow[] | undefined;
  readonly faults?: MemoryFaults | undefined;
  /** What becomes of UDP datagrams on their way. Default: all arrive, once and in order. */
  readonly datagrams?: DatagramConditions | DatagramFate | undefined;
  /** The machine's interfaces. Default: loopback, IPv4 and IPv6. */
  readonly interfaces?: readonly NetworkInterface[] | undefined;
  /** Bytes of each socket's receive buffer and of its send buffer, unless its options say otherwise. Default 64 KiB. */
  readonly bufferSize?: number | undefined;
  /** Told what callbacks throw. Default: a rejection that nobody handles, which every platform reports. */
  readonly report?: ((error: unknown) => void) | undefined;
}

const LOOPBACK: readonly NetworkInterface[] = [
  {
    name: 'lo',
    address: { family: 'ipv4', host: '127.0.0.1' },
    prefixLength: 8,
    internal: true,
    index: 1,
    multicast: true,
  },
  {
    name: 'lo',
    address: { family: 'ipv6', host: '::1' },
    prefixLength: 128,
    internal: true,
    index: 1,
    multicast: true,
  },
];

const LOCALHOST: Readonly<Record<string, readonly string[]>> = { localhost: ['127.0.0.1', '::1'] };

function reportUncaught(error: unknown): void {
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it goes on as it was thrown
  void Promise.reject(error);
}

interface NetworkPlan {
  readonly clock: Clock | undefined;
  readonly hosts: Readonly<Record<string, readonly string[]>>;
  readonly scenario: readonly ScenarioRow[];
  readonly faults: MemoryFaults | undefined;
  readonly datagrams: DatagramFate;
  readonly interfaces: readonly NetworkInterface[];
  readonly bufferSize: number;
  readonly report: (error: unknown) => void;
}

/** The options of a network, judged. Hosts, interfaces and the like are the test's own: they are taken as they are. */
export const NETWORK: Rules<NetworkPlan> = {
  clock: optional(clockRule),
  hosts: withDefault(object<NetworkPlan['hosts']>, {}),
  scenario: withDefault(scenarioRule, []),
  faults: optional(object<MemoryFaults>),
  datagrams: (value) => fateOf(value as DatagramConditions | DatagramFate | undefined),
  interfaces: withDefault(object<readonly NetworkInterface[]>, LOOPBACK),
  bufferSize: withDefault(integer(1, 2 ** 31 - 1), DEFAULT_BUFFER_SIZE),
  report: withDefault(callback<NetworkPlan['report']>, reportUncaught),
};

/** Where a connection is to come from, and whether that was asked for. */
export interface MemorySource {
  readonly localAddress: IpAddress | undefined;
  readonly localPort: number;
}

export class MemoryNetwork {
  readonly clock: Clock;
  readonly turns: MemoryTurns;
  readonly faults: MemoryFaults;
  readonly ports: MemoryPorts = new MemoryPorts();
  readonly paths: MemoryPaths = new MemoryPaths();
  readonly udp: MemoryUdp;
  readonly unixMessages: UnixMessageWorld;
  readonly interfaces: readonly NetworkInterface[];
  readonly #hosts: ReadonlyMap<string, readonly string[]>;
  /** Bytes of each buffer, to begin with. */
  readonly bufferSize: number;
  readonly #scenario: readonly ScenarioRow[];
  #openCount = 0;

  /** @throws {TypeError | RangeError} an option is none, or its value cannot be */
  constructor(options: MemoryNetworkOptions = {}) {
    const plan = readOptions(requireObject(options, 'options'), NETWORK);
    this.clock = plan.clock ?? new ManualClock();
    this.turns = new MemoryTurns(plan.report);
    this.faults = plan.faults ?? new MemoryFaults();
    this.interfaces = plan.interfaces;
    this.#hosts = new Map(Object.entries({ ...LOCALHOST, ...plan.hosts }));
    this.bufferSize = plan.bufferSize;
    this.#scenario = plan.scenario;
    const { clock, faults, interfaces, bufferSize } = this;
    this.udp = new MemoryUdp({
      ...{ clock, faults, interfaces, bufferSize, scenario: this.#scenario, fate: plan.datagrams },
      isOwn: (address) => this.isOwn(address),
      sourceFor: (address) => this.sourceFor(address),
    });
    this.unixMessages = {
      clock,
      find: (path) => this.paths.find(path, 'datagram', 'send'),
    };
  }

  /** Descriptors that are open now: sockets, listeners, and attempts to connect. */
  get openCount(): number {
    return this.#openCount;
  }

  /** Takes a descriptor. @returns a function that gives it back, once */
  open(): () => void {
    this.#openCount += 1;
    let isOpen = true;
    return () => {
      if (isOpen) this.#openCount -= 1;
      isOpen = false;
    };
  }

  /** The addresses of a name. @throws {ResolveError} */
  resolve(host: string, family: IpFamily | undefined): readonly IpAddress[] {
    const code = this.faults.meet('resolve');
    if (code !== null) throw new ResolveError(code, host);
    const texts = this.#hosts.get(host.toLowerCase().replace(/\.$/, ''));
    if (texts === undefined) throw new ResolveError('EAI_NONAME', host);
    const all = texts.map(parseIp).filter((address) => address !== null);
    return all.filter((address) => family === undefined || address.family === family);
  }

  /** Whether an address is one of this machine's. */
  isOwn(address: IpAddress): boolean {
    if (address.family === 'ipv4' && address.host.startsWith('127.')) return true;
    return this.interfaces.some(
      ({ address: own }) => own.family === address.family && own.host === address.host,
    );
  }

  /** Where connections to `address` come from. */
  sourceFor(address: IpAddress): IpAddress {
    if (this.isOwn(address))
      return { family: address.family, host: address.family === 'ipv4' ? '127.0.0.1' : '::1' };
    const outside = this.interfaces.find((each) => each.address.family === address.family && !each.internal);
    return outside?.address ?? address;
  }

  /** One attempt to connect to one address. */
  dialTcp(remote: IpEndpoint, source: MemorySource): Attempt<MemorySocket> {
    const row = findRow(this.#scenario, remote, remote.port);
    const world = this.#world(row?.delay ?? 0);
    return connectAttempt(world, { remote, source, outcome: row?.outcome ?? 'listen' });
  }

  /** One attempt to connect to a path. */
  dialUnix(path: string | Uint8Array): Attempt<MemorySocket> {
    const local = { family: 'unix', path: '' } as const;
    return connectAttempt(this.#world(0), { remote: { family: 'unix', path }, local });
  }

  #world(delay: number): AttemptWorld {
    return {
      network: this,
      later: (task) => {
        if (delay > 0) return this.clock.setTimer(delay, task);
        let isWanted = true;
        this.turns.add(() => {
          if (isWanted) task();
        });
        return () => {
          isWanted = false;
        };
      },
    };
  }

  /** Makes the two ends of a connection, and puts the far one in line. */
  complete(
    backlog: MemoryBacklog,
    ends: Pick<MemorySocket, 'transport' | 'local' | 'remote'>,
    released: () => void,
  ): MemorySocket {
    const { transport, local, remote } = ends;
    const common = { transport, faults: this.faults, bufferSize: this.bufferSize };
    const client = new MemorySocket({ ...common, local, remote, released });
    const server = new MemorySocket({ ...common, ...seenBy(backlog, ends), released: () => undefined });
    MemorySocket.join(client, server);
    backlog.add(server);
    return client;
  }

  /** @throws {SystemError} `EADDRNOTAVAIL` */
  requireOwn(address: IpAddress, op: string, transport: 'tcp' | 'udp' = 'tcp'): void {
    if (address.host === '0.0.0.0' || address.host === '::' || this.isOwn(address)) return;
    throw new SystemError('EADDRNOTAVAIL', {
      op,
      syscall: 'bind',
      transport,
      local: { ...address, port: 0 },
    });
  }
}

/** A listener on `::` sees IPv4 connections as mapped addresses (RFC 4291, 2.5.5.2). */
function seenBy(
  backlog: MemoryBacklog,
  ends: Pick<MemorySocket, 'local' | 'remote'>,
): Pick<MemorySocket, 'local' | 'remote'> {
  const { local: remote, remote: local } = ends;
  if (backlog.local.family !== 'ipv6' || local.family !== 'ipv4' || remote.family !== 'ipv4')
    return { local, remote };
  const mapped = (address: IpEndpoint): IpEndpoint => ({
    family: 'ipv6',
    host: `::ffff:${address.host}`,
    port: address.port,
  });
  return { local: mapped(local), remote: mapped(remote) };
}
