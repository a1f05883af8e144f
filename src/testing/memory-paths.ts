import { SystemError } from '../base/errors.ts';
import type { UnixListenPlan } from '../base/validate.ts';
import type { MemoryBacklog } from './memory-backlog.ts';
import type { MemoryUnixSocket } from './memory-unix-messages.ts';

/** The kinds of sockets that a path can have. */
interface PathSockets {
  /** One of sequenced packets that has connected: nobody can connect to it. */
  readonly connected: MemoryUnixSocket;
  readonly datagram: MemoryUnixSocket;
  readonly seqpacket: MemoryBacklog<MemoryUnixSocket>;
  readonly stream: MemoryBacklog;
}
type PathSocket = PathSockets[keyof PathSockets];

/** What lies at a path. A socket of no kind, or which is closed, is stale. */
interface PathEntry {
  readonly kind: 'file' | 'socket';
  readonly socket: Partial<PathSockets>;
  readonly mode: number;
}

/** The bytes of a path as a string of characters below 256: text and bytes that name the same file are the same key. */
function pathKey(path: string | Uint8Array): string {
  if (typeof path !== 'string') return String.fromCharCode(...path);
  return encodeURIComponent(path).replace(/%([0-9A-F]{2})/g, (_whole, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** A path as addresses have it: text, and bytes only where they are not valid UTF-8. */
export function shownPath(path: string | Uint8Array): string | Uint8Array {
  if (typeof path === 'string') return path;
  try {
    return decodeURIComponent(Array.from(path, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''));
  } catch {
    return path;
  }
}

/** How a path is bound. */
export type PathPlan = Pick<UnixListenPlan, 'mode' | 'path' | 'stale'>;

function socketsOf({ socket }: PathEntry): readonly PathSocket[] {
  const { connected, datagram, seqpacket, stream } = socket;
  return [connected, datagram, seqpacket, stream].filter((each) => each !== undefined);
}

function isStale(entry: PathEntry): boolean {
  return entry.kind === 'socket' && !socketsOf(entry).some(({ isOpen }) => isOpen);
}

/** The files of a memory network, as far as Unix sockets care. */
export class MemoryPaths {
  readonly #entries = new Map<string, PathEntry>();

  /** Binds a socket, under the name of its kind. @throws {SystemError} `EADDRINUSE` */
  bind(plan: PathPlan, socket: Partial<PathSockets>, op: 'bind' | 'listen'): void {
    const key = pathKey(plan.path);
    const entry = this.#entries.get(key);
    if (entry !== undefined && !(plan.stale === 'replace' && isStale(entry))) {
      const local = { family: 'unix', path: plan.path } as const;
      throw new SystemError('EADDRINUSE', { op, syscall: 'bind', transport: 'unix', local });
    }
    this.#entries.set(key, { kind: 'socket', socket, mode: plan.mode ?? 0o755 });
  }

  /** Takes a socket's own file away, unless something else lies there by now. */
  remove(socket: PathSocket): void {
    for (const [key, entry] of this.#entries)
      if (socketsOf(entry).includes(socket)) this.#entries.delete(key);
  }

  /** @throws {SystemError} `ENOENT`, `ECONNREFUSED` where nobody is bound any more, `EPROTOTYPE` if it is of another kind */
  find<K extends keyof PathSockets>(
    path: string | Uint8Array,
    kind: K,
    op: 'bind' | 'connect' | 'send',
  ): PathSockets[K] {
    const entry = this.#entries.get(pathKey(path));
    const isLive = entry !== undefined && socketsOf(entry).some(({ isOpen }) => isOpen);
    const found = entry?.socket[kind];
    if (isLive && found !== undefined) return found;
    const isAbstract = typeof path === 'string' ? path.startsWith('\0') : path[0] === 0;
    const missing = entry === undefined && !isAbstract ? 'ENOENT' : 'ECONNREFUSED';
    throw new SystemError(isLive && entry.socket.connected === undefined ? 'EPROTOTYPE' : missing, {
      op,
      syscall: op === 'send' ? 'sendmsg' : 'connect',
      transport: 'unix',
      remote: { family: 'unix', path },
    });
  }

  /** Makes an ordinary file. */
  makeFile(path: string | Uint8Array): void {
    this.#entries.set(pathKey(path), { kind: 'file', socket: {}, mode: 0o644 });
  }

  /** Leaves a socket's file as a process does that was killed: nobody listens on it. */
  makeStaleSocket(path: string | Uint8Array): void {
    this.#entries.set(pathKey(path), { kind: 'socket', socket: {}, mode: 0o755 });
  }

  exists(path: string | Uint8Array): boolean {
    return this.#entries.has(pathKey(path));
  }

  /** The permission bits. @throws {SystemError} `ENOENT` */
  mode(path: string | Uint8Array): number {
    const entry = this.#entries.get(pathKey(path));
    if (entry === undefined) throw new SystemError('ENOENT', { op: 'stat' });
    return entry.mode;
  }
}
