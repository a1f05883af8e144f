/** What is open, when and where it was opened, and who is told. */
import type { SocketAddress } from '../../base/address.ts';
import { formatAddress } from '../../base/address.ts';
import type { SocketError } from '../../base/errors.ts';
import type { SocketProvider, SocketSnapshot } from '../../base/provider.ts';
import type { Platform } from './platform.ts';
import type { SocketRow } from './types.ts';
import type { WebStreams } from './web-streams.ts';

/** What is published of a socket. */
export interface SocketEvent {
  readonly id: number;
  readonly kind: SocketSnapshot['kind'];
  readonly transport: SocketSnapshot['transport'];
  readonly local: SocketAddress;
  readonly remote: SocketAddress | undefined;
}

interface Entry {
  readonly socket: Known;
  readonly openedAt: number;
  readonly stack: string | undefined;
}

/** The part of a socket that the registry looks at. */
interface Known {
  readonly id: number;
  readonly transport: SocketSnapshot['transport'];
  readonly local: SocketAddress;
  readonly remote?: SocketAddress | undefined;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** These of datagram sockets alone. */
  readonly received?: number;
  readonly sent?: number;
  readonly drops?: number;
}

/** Frames of a stack that belong to the caller: those outside of this folder and of the entry points. */
function callersFrames(stack: string): string {
  const frames = stack.split('\n').slice(1);
  const own = /[\\/](?:facades[\\/]portside[\\/](?!.*\.test\.)|doors[\\/](?:portside|node-platform)\.)/;
  return frames
    .filter((frame) => !own.test(frame))
    .map((frame) => frame.trim())
    .join('\n');
}

export class Registry<Web extends WebStreams> {
  readonly #platform: Platform<Web>;
  readonly #entries = new Map<number, Entry>();

  constructor(platform: Platform<Web>) {
    this.#platform = platform;
  }

  /** The stack of now, if stacks are recorded: taken when a call begins, to go with what it makes. */
  here(): string | undefined {
    if (!this.#platform.recordsStacks()) return undefined;
    return callersFrames(new Error('here').stack ?? '');
  }

  opened(kind: SocketSnapshot['kind'], socket: Known, stack: string | undefined): void {
    this.#entries.set(socket.id, { socket, openedAt: this.#platform.clock.now(), stack });
    this.#platform.diagnostics?.opened(() => eventOf(kind, socket));
  }

  closed(kind: SocketSnapshot['kind'], socket: Known, error: SocketError | null): void {
    if (!this.#entries.delete(socket.id)) return;
    this.#platform.diagnostics?.closed(() => ({
      ...eventOf(kind, socket),
      bytesRead: socket.bytesRead,
      bytesWritten: socket.bytesWritten,
      error,
    }));
  }

  /** The socket goes on without this API. */
  forget(socket: Known): void {
    this.#entries.delete(socket.id);
  }

  /** What is remembered of a socket, for one that takes its place or comes out of it. */
  stackOf(socket: { readonly id: number }): string | undefined {
    return this.#entries.get(socket.id)?.stack;
  }

  rows(provider: SocketProvider): readonly SocketRow[] {
    const now = this.#platform.clock.now();
    return Array.from(provider.sockets(), (snapshot) => {
      const entry = this.#entries.get(snapshot.id);
      if (entry === undefined) return snapshot;
      const { openedAt, stack, socket } = entry;
      const { received, sent, drops } = socket;
      const counters = snapshot.kind === 'datagram' ? { received, sent, drops } : {};
      return { ...snapshot, ...counters, age: now - openedAt, openedAt: stack };
    });
  }
}

function eventOf(kind: SocketSnapshot['kind'], socket: Known): SocketEvent {
  const { id, transport, local, remote } = socket;
  return { id, kind, transport, local, remote };
}

function line(row: SocketRow): string {
  const route = row.remote === undefined ? '' : ` -> ${formatAddress(row.remote)}`;
  const age = row.age === undefined ? '' : `, ${String(Math.round(row.age))} ms old`;
  const bytes = `${String(row.bytesRead)} bytes in, ${String(row.bytesWritten)} out`;
  const stack = row.openedAt === undefined ? '' : `\n    opened ${row.openedAt.replaceAll('\n', '\n    ')}`;
  const protocol = row.tls === true ? `${row.transport}+tls` : row.transport;
  return `#${String(row.id)} ${protocol} ${row.kind} ${formatAddress(row.local)}${route} (${row.state}, ${bytes}${age})${stack}`;
}

/** One line for each socket, with the place where it was opened below it, where that is known. */
export function formatSockets(rows: readonly SocketRow[]): string {
  return rows.map(line).join('\n');
}
