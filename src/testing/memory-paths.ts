import { SystemError } from '../base/errors.ts';
import type { UnixListenPlan } from '../base/validate.ts';
import { MemoryBacklog } from './memory-backlog.ts';

/** What lies at a path. A socket without a backlog, or whose backlog is closed, is stale. */
interface PathEntry {
  readonly kind: 'file' | 'socket';
  readonly backlog: MemoryBacklog | null;
  readonly mode: number;
}

/** The bytes of a path as a string of characters below 256: text and bytes that name the same file are the same key. */
function pathKey(path: string | Uint8Array): string {
  if (typeof path !== 'string') return String.fromCharCode(...path);
  return encodeURIComponent(path).replace(/%([0-9A-F]{2})/g, (_whole, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** The files of a memory network, as far as Unix sockets care. */
export class MemoryPaths {
  readonly #entries = new Map<string, PathEntry>();

  /** @throws {SystemError} `EADDRINUSE` */
  listen(plan: UnixListenPlan): MemoryBacklog {
    const key = pathKey(plan.path);
    const entry = this.#entries.get(key);
    const local = { family: 'unix', path: plan.path } as const;
    if (entry !== undefined && !(plan.stale === 'replace' && this.#isStale(entry))) {
      throw new SystemError('EADDRINUSE', { op: 'listen', syscall: 'bind', transport: 'unix', local });
    }
    const backlog = new MemoryBacklog(local, plan.backlog, { reusePort: false, ipv6Only: false });
    this.#entries.set(key, { kind: 'socket', backlog, mode: plan.mode ?? 0o755 });
    return backlog;
  }

  #isStale(entry: PathEntry): boolean {
    return entry.kind === 'socket' && entry.backlog?.isOpen !== true;
  }

  /** Takes a listener's own file away, unless something else lies there by now. */
  remove(backlog: MemoryBacklog): void {
    for (const [key, entry] of this.#entries) if (entry.backlog === backlog) this.#entries.delete(key);
  }

  /** @throws {SystemError} `ENOENT`, or `ECONNREFUSED` where nobody listens */
  find(path: string | Uint8Array): MemoryBacklog {
    const entry = this.#entries.get(pathKey(path));
    if (entry?.backlog?.isOpen === true) return entry.backlog;
    const isAbstract = typeof path === 'string' ? path.startsWith('\0') : path[0] === 0;
    const code = entry === undefined && !isAbstract ? 'ENOENT' : 'ECONNREFUSED';
    throw new SystemError(code, {
      op: 'connect',
      syscall: 'connect',
      transport: 'unix',
      remote: { family: 'unix', path },
    });
  }

  /** Makes an ordinary file. */
  makeFile(path: string | Uint8Array): void {
    this.#entries.set(pathKey(path), { kind: 'file', backlog: null, mode: 0o644 });
  }

  /** Leaves a socket's file as a process does that was killed: nobody listens on it. */
  makeStaleSocket(path: string | Uint8Array): void {
    this.#entries.set(pathKey(path), { kind: 'socket', backlog: null, mode: 0o755 });
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
