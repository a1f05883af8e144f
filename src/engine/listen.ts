/** Makes listeners: TCP and Unix, with the file that a Unix path is. */
import type { ConstantName } from '../addon/constant-names.ts';
import type { Stats } from 'node:fs';
import { lstatSync, unlinkSync } from 'node:fs';
import { resolve } from 'node:path';

import type { SocketAddress } from '../base/address.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { isSocketError, SystemError } from '../base/errors.ts';
import type { SocketOptions } from '../base/options.ts';
import type { ListenPlan, TcpListenPlan, UnixListenPlan } from '../base/validate.ts';
import { isAbstract, removeStaleSocket, setSocketMode } from '../portable/unix-path.ts';
import { dial } from './dial.ts';
import { NativeListener } from './listener.ts';
import { setOptions } from './options.ts';
import type { Reactor } from './reactor.ts';
import { flatten, readAddress } from './sockaddr.ts';

class ListenAttempt {
  readonly #reactor: Reactor;
  readonly #plan: ListenPlan;
  readonly #address: SocketAddress;
  #handle = -1;
  /** What accepted streams do not inherit. */
  #options: Partial<SocketOptions> = {};
  /** Removes the file that binding has made. */
  #cleanUp: (() => void) | undefined;

  constructor(reactor: Reactor, plan: ListenPlan) {
    this.#reactor = reactor;
    this.#plan = plan;
    this.#address =
      plan.transport === 'unix' ? { family: 'unix', path: plan.path } : { ...plan.host, port: plan.port };
  }

  /** @throws {SystemError} and leaves no descriptor and no file */
  run(): NativeListener {
    try {
      return this.#make();
    } catch (error) {
      if (this.#handle >= 0) this.#reactor.native.abort(this.#handle);
      this.#cleanUp?.();
      throw error;
    }
  }

  #make(): NativeListener {
    const plan = this.#plan;
    const { native } = this.#reactor;
    const { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM } = this.#reactor.module.constants;
    const family = { ipv4: AF_INET, ipv6: AF_INET6, unix: AF_UNIX }[this.#address.family];
    this.#handle = this.#checked(native.socket(family, SOCK_STREAM, 0), 'socket');
    this.#setOptions(plan.options);
    if (plan.transport === 'tcp') this.#prepareTcp(plan);
    else this.#options = plan.options;
    this.#bind();
    if (plan.transport === 'unix') this.#adoptFile(plan);
    this.#checked(native.listen(this.#handle, plan.backlog), 'listen');
    const local = readAddress(native, 'localAddress', this.#handle) ?? this.#address;
    const { highWaterMark, writeLimit } = plan;
    const limits = { highWaterMark, writeLimit };
    return new NativeListener(this.#reactor, {
      handle: this.#handle,
      local,
      limits,
      options: this.#options,
      cleanUp: this.#cleanUp,
    });
  }

  /**
   * TCP connections inherit the options of their listener (tcp(7); a Unix connection's end is made anew by the one who
   * connects). So they are set once, and buffer sizes in time for the window scale of the handshake. On a Unix listener
   * this tells which options Unix sockets have not.
   */
  #setOptions(options: Partial<SocketOptions>): void {
    const { module, native, names } = this.#reactor;
    const { transport } = this.#plan;
    const { family } = this.#address;
    const details = (): ErrorDetails => this.#details();
    setOptions({ module, native, names, handle: this.#handle, transport, family, details }, options);
  }

  #prepareTcp({ reusePort, ipv6Only }: TcpListenPlan): void {
    // Without it a port stays taken for a minute after its connections have closed (TIME_WAIT). On Linux it does not
    // let two listeners have one port (socket(7)).
    this.#set('SOL_SOCKET', 'SO_REUSEADDR', 1);
    if (reusePort) this.#set('SOL_SOCKET', 'SO_REUSEPORT', 1);
    if (ipv6Only !== undefined && this.#address.family === 'ipv6') {
      this.#set('IPPROTO_IPV6', 'IPV6_V6ONLY', ipv6Only ? 1 : 0);
    }
  }

  #set(level: ConstantName, name: ConstantName, value: number): void {
    const { constants } = this.#reactor.module;
    const result = this.#reactor.native.setOption(this.#handle, constants[level], constants[name], value);
    this.#checked(result, 'setsockopt');
  }

  #bind(): void {
    const { family, bytes, port, scope } = flatten(this.#address, (name) =>
      this.#checked(this.#reactor.module.interfaceIndex(name), 'if_nametoindex'),
    );
    this.#checked(this.#reactor.native.bind(this.#handle, family, bytes, port, scope), 'bind');
  }

  #adoptFile({ path, mode }: UnixListenPlan): void {
    if (path.length === 0 || isAbstract(path)) return;
    const file = absolute(path);
    const made = lstatSync(file);
    this.#cleanUp = () => {
      removeIfSame(file, made);
    };
    if (mode !== undefined) setSocketMode(path, mode);
  }

  #checked(result: number, syscall: string): number {
    if (result >= 0) return result;
    throw this.#reactor.names.error(-result, syscall, this.#details());
  }

  #details(): ErrorDetails {
    return { op: 'listen', transport: this.#plan.transport, local: this.#address };
  }
}

/** The path from the root: the working directory may be another when the file is removed. */
function absolute(path: string | Uint8Array): string | Buffer {
  if (typeof path === 'string') return resolve(path);
  const isAbsolute = path[0] === 47;
  return isAbsolute ? Buffer.from(path) : Buffer.concat([Buffer.from(`${process.cwd()}/`), path]);
}

/** A path may have been taken over by another listener meanwhile: that one's file is not ours to remove. */
function removeIfSame(file: string | Buffer, made: Stats): void {
  try {
    const now = lstatSync(file);
    if (now.ino === made.ino && now.dev === made.dev) unlinkSync(file);
  } catch {
    // It is gone, or its folder is not ours any more. A file on which nobody listens is left, as after a crash.
  }
}

/** How connecting to `path` ends: an errno's name, or `null` if somebody listens. */
async function probe(reactor: Reactor, path: string | Uint8Array): Promise<string | null> {
  try {
    const limits = { highWaterMark: 1, writeLimit: 1 };
    const stream = await dial(reactor, { family: 'unix', path }, { limits, options: {}, failsWhenBusy: true })
      .result;
    stream.abort();
    return null;
  } catch (error) {
    if (isSocketError(error)) return error.code;
    throw error;
  }
}

/** Binds and listens. @throws {SystemError} */
export async function listen(reactor: Reactor, plan: ListenPlan): Promise<NativeListener> {
  try {
    return new ListenAttempt(reactor, plan).run();
  } catch (error) {
    const isTaken = error instanceof SystemError && error.code === 'EADDRINUSE';
    if (!isTaken || plan.transport !== 'unix' || plan.stale !== 'replace') throw error;
    if (!(await removeStaleSocket(plan.path, (path) => probe(reactor, path)))) throw error;
    return new ListenAttempt(reactor, plan).run();
  }
}
