import type { IpEndpoint, SocketAddress, UnixEndpoint } from '../base/address.ts';
import { SystemError } from '../base/errors.ts';
import type { Attempt } from '../base/happy-eyeballs.ts';
import { deferred } from './deferred.ts';
import type { MemoryBacklog } from './memory-backlog.ts';
import type { MemoryNetwork, MemorySource } from './memory-network.ts';
import { OUTCOME_ERRNO, type ScenarioOutcome } from './memory-scenario.ts';
import type { MemorySocket } from './memory-socket.ts';

/** What an attempt needs of its network. */
export interface AttemptWorld {
  readonly network: MemoryNetwork;
  /** Runs a task when the address would answer. @returns a function that takes that back */
  later(task: () => void): () => void;
}

export type AttemptTarget =
  | { readonly remote: IpEndpoint; readonly source: MemorySource; readonly outcome: ScenarioOutcome }
  | { readonly remote: UnixEndpoint; readonly local: UnixEndpoint };

/** The ends of a connection that is about to be made. */
interface Ends {
  readonly local: SocketAddress;
  release(): void;
}

/** Begins to connect. The attempt holds a descriptor until it has failed, was cancelled, or its socket is closed. */
export function connectAttempt(world: AttemptWorld, target: AttemptTarget): Attempt<MemorySocket> {
  const { network } = world;
  const { promise, resolve, reject } = deferred<MemorySocket>();
  const release = network.open();
  let stop: () => void = () => undefined;
  const fail = (error: unknown): void => {
    release();
    reject(error);
  };
  const knock = (): void => {
    try {
      const backlog = findBacklog(network, target);
      if (backlog === 'never') return;
      if (!backlog.hasRoom) {
        stop = backlog.wait(() => {
          network.turns.add(knock);
        });
        return;
      }
      resolve(complete(network, backlog, target, release));
    } catch (error) {
      fail(error);
    }
  };
  stop = world.later(knock);
  return {
    result: promise,
    cancel: () => {
      stop();
      release();
    },
  };
}

/** @throws {SystemError} as `connect(2)` fails */
function findBacklog(network: MemoryNetwork, target: AttemptTarget): MemoryBacklog | 'never' {
  const { remote } = target;
  const transport = remote.family === 'unix' ? 'unix' : 'tcp';
  const refuse = (code: string): SystemError =>
    new SystemError(code, { op: 'connect', syscall: 'connect', transport, remote });
  const fault = network.faults.meet('connect');
  if (fault !== null) throw refuse(fault);
  if (!('outcome' in target)) return network.paths.find(target.remote.path, 'stream', 'connect');
  if (target.outcome === 'blackhole') return 'never';
  if (target.outcome !== 'listen') throw refuse(OUTCOME_ERRNO[target.outcome]);
  const backlog = network.ports.find(target.remote, target.remote.port);
  if (backlog !== null) return backlog;
  throw refuse(network.isOwn(target.remote) ? 'ECONNREFUSED' : 'EHOSTUNREACH');
}

function complete(
  network: MemoryNetwork,
  backlog: MemoryBacklog,
  target: AttemptTarget,
  release: () => void,
): MemorySocket {
  const { remote } = target;
  if (!('outcome' in target)) {
    return network.complete(backlog, { transport: 'unix', local: target.local, remote }, release);
  }
  const ends = claimEnds(network, target.remote, target.source);
  return network.complete(backlog, { transport: 'tcp', local: ends.local, remote }, () => {
    ends.release();
    release();
  });
}

/** @throws {SystemError} `EADDRNOTAVAIL`, `EADDRINUSE` */
function claimEnds(network: MemoryNetwork, remote: IpEndpoint, source: MemorySource): Ends {
  if (source.localAddress !== undefined) network.requireOwn(source.localAddress, 'connect');
  const isWildcard = source.localAddress?.host === '0.0.0.0' || source.localAddress?.host === '::';
  const address = isWildcard ? undefined : source.localAddress;
  const port = source.localPort === 0 ? network.ports.freePort() : source.localPort;
  const local = { ...(address ?? network.sourceFor(remote)), port };
  return { local, release: network.ports.claim(local, remote) };
}
