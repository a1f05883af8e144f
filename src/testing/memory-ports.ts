import { formatAddress, type IpAddress, type IpEndpoint } from '../base/address.ts';
import { SystemError } from '../base/errors.ts';
import type { TcpListenPlan } from '../base/validate.ts';
import { MemoryBacklog } from './memory-backlog.ts';

/** The dynamic ports of RFC 6335, section 6. */
export const FIRST_DYNAMIC_PORT: number = 49_152;
export const PORT_COUNT: number = 65_536 - FIRST_DYNAMIC_PORT;

const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];

function endpointOf(backlog: MemoryBacklog): IpEndpoint {
  const { local } = backlog;
  if (local.family === 'unix') throw new TypeError('a Unix listener has no port');
  return local;
}

/** Whether a listener takes connections to `address`. */
function takes(backlog: MemoryBacklog, address: IpAddress): boolean {
  const local = endpointOf(backlog);
  if (local.family === address.family) return local.host === address.host || WILDCARDS.includes(local.host);
  return local.host === '::' && address.family === 'ipv4' && !backlog.ipv6Only;
}

/** Who listens on which TCP port. */
export class MemoryPorts {
  readonly #listeners = new Map<number, MemoryBacklog[]>();
  readonly #connections = new Set<string>();
  #nextPort = 0;
  #turn = 0;

  /** @throws {SystemError} `EADDRINUSE` */
  listen(plan: TcpListenPlan): MemoryBacklog {
    const port = plan.port === 0 ? this.freePort() : plan.port;
    const local: IpEndpoint = { ...plan.host, port };
    const backlog = new MemoryBacklog(local, plan.backlog, {
      reusePort: plan.reusePort,
      ipv6Only: plan.ipv6Only ?? false,
    });
    const others = this.#listeners.get(port) ?? [];
    for (const other of others) {
      if (!this.#clash(backlog, other) || (backlog.reusePort && other.reusePort)) continue;
      throw new SystemError('EADDRINUSE', { op: 'listen', syscall: 'bind', transport: 'tcp', local });
    }
    this.#listeners.set(port, [...others, backlog]);
    return backlog;
  }

  #clash(one: MemoryBacklog, other: MemoryBacklog): boolean {
    const [a, b] = [endpointOf(one), endpointOf(other)];
    return takes(one, b) || takes(other, a);
  }

  remove(backlog: MemoryBacklog): void {
    const { port } = endpointOf(backlog);
    const rest = (this.#listeners.get(port) ?? []).filter((other) => other !== backlog);
    if (rest.length > 0) this.#listeners.set(port, rest);
    else this.#listeners.delete(port);
  }

  /** The listener for a connection: one bound to the very address goes before a wildcard; equals take turns. */
  find(address: IpAddress, port: number): MemoryBacklog | null {
    const fitting = (this.#listeners.get(port) ?? []).filter((backlog) => takes(backlog, address));
    const rank = (backlog: MemoryBacklog): number => {
      const local = endpointOf(backlog);
      return local.host === address.host ? 0 : local.family === address.family ? 1 : 2;
    };
    const best = Math.min(...fitting.map(rank));
    const equals = fitting.filter((backlog) => rank(backlog) === best);
    return equals[this.#turn++ % Math.max(1, equals.length)] ?? null;
  }

  /** A port on which nobody listens; ports that were used come again as late as possible. */
  freePort(): number {
    for (let i = 0; i < PORT_COUNT; i++) {
      const port = FIRST_DYNAMIC_PORT + (this.#nextPort++ % PORT_COUNT);
      if (!this.#listeners.has(port)) return port;
    }
    throw new SystemError('EADDRINUSE', { op: 'listen', syscall: 'bind', transport: 'tcp' });
  }

  /** Takes the local end of a connection. @throws {SystemError} `EADDRINUSE` if another connection has both ends in common */
  claim(local: IpEndpoint, remote: IpEndpoint): () => void {
    const key = `${formatAddress(local)} ${formatAddress(remote)}`;
    if (this.#connections.has(key)) {
      throw new SystemError('EADDRINUSE', {
        op: 'connect',
        syscall: 'bind',
        transport: 'tcp',
        local,
        remote,
      });
    }
    this.#connections.add(key);
    return () => {
      this.#connections.delete(key);
    };
  }
}
