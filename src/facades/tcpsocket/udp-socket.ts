import type { IpAddress } from '../../base/address.ts';
import { parseIp } from '../../base/address.ts';
import { DeniedError } from '../../base/errors.ts';
import type { Datagram, Membership } from '../../base/provider.ts';
import type { Sendable } from './bytes-argument.ts';
import { readBytes } from './bytes-argument.ts';
import type { Closable, OpenSockets, TcpSocketHost } from './host.ts';
import { IOError, inOwnWords, permissionDenied, toIOError } from './io-error.ts';
import { asDictionary, readFlag, readOwnPort, readPortNumber, readText, withoutBrackets } from './options.ts';
import { settled } from './settled.ts';
import type { UdpAddress } from './udp-messages.ts';
import { UdpMessages, udpAddress } from './udp-messages.ts';

export const FAMILY_INET = 1;
export const FAMILY_INET6 = 2;
export const FAMILY_LOCAL = 3;

export interface UdpOptions {
  /** One of this machine's addresses. With it `loopbackOnly` says nothing. */
  readonly host?: string | undefined;
  /** Left out, 0 or -1: a free one. */
  readonly port?: number | undefined;
  /** Without `host`: whether only this machine can send here. Default true. */
  readonly loopbackOnly?: boolean | undefined;
  /** Whether others may bind the same address. Default true, as in the old code. */
  readonly addressReuse?: boolean | undefined;
}

export interface UdpPlan {
  readonly host: string;
  readonly port: number;
  readonly reuseAddress: boolean;
}

/** @throws {TypeError} it is none */
export function readUdpOptions(value: unknown): UdpPlan {
  const options = asDictionary(value ?? {}, 'options');
  const isLoopback = readFlag(options['loopbackOnly'], 'loopbackOnly') ?? true;
  const host = options['host'] === undefined ? undefined : withoutBrackets(readText(options['host'], 'host'));
  return {
    host: host ?? (isLoopback ? '127.0.0.1' : '0.0.0.0'),
    port: readOwnPort(options['port']),
    reuseAddress: readFlag(options['addressReuse'], 'addressReuse') ?? true,
  };
}

export interface UdpOrigin {
  readonly host: TcpSocketHost;
  readonly open: OpenSockets;
  readonly datagram: Datagram;
}

function readAddress(value: unknown, name: string): IpAddress {
  const address = parseIp(withoutBrackets(readText(value, name)));
  if (address === null)
    throw new TypeError(`${name} must be a numeric address, such as 192.0.2.1: names are not looked up here`);
  return address;
}

/** A UDP socket, as `create` makes it. */
export class UdpSocket implements Closable {
  /** One's own address. */
  readonly address: UdpAddress;
  readonly #origin: UdpOrigin;
  readonly #messages: UdpMessages;
  readonly #closed = settled<undefined>();
  #isListening = false;
  #isClosed = false;

  /** @param token nobody else has it: sockets are made by `create` */
  constructor(token: unknown, origin: UdpOrigin) {
    if (token !== TOKEN) throw new TypeError('Illegal constructor');
    this.#origin = origin;
    const { local } = origin.datagram;
    this.address =
      local.family === 'unix'
        ? udpAddress('', 0, FAMILY_LOCAL)
        : udpAddress(local.host, local.port, local.family === 'ipv4' ? FAMILY_INET : FAMILY_INET6);
    this.#messages = new UdpMessages(() => this.close());
    origin.open.add(this);
    this.#listen();
  }

  /** Datagrams that came and found no room, because nobody read those before. */
  get dropped(): number {
    return this.#messages.dropped;
  }

  /** Fulfils when the socket is closed; rejects with `IOError` if the system closed it. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /**
   * Sends one datagram.
   *
   * @param host a numeric address
   * @param size how much of `data` to send; 0 or left out: all
   * @returns the bytes sent, when they are with the system. Rejects with `IOError`: `permission denied` …
   */
  async send(host: string, port: number, data: Sendable, size?: number): Promise<number> {
    const to = { ...readAddress(host, 'host'), port: readPortNumber(port, 'port', 1) };
    const bytes = readBytes(data, 0, size === 0 ? undefined : size);
    this.#requireOpen();
    await this.#call((done) => {
      this.#origin.datagram.send({ bytes, to }, done);
    }, to);
    return bytes.length;
  }

  /**
   * What is received from now on; before the first call nothing is. The same iterator each time. At most 1,024 datagrams,
   * and 1 MiB, wait for a reader. Leaving its loop closes the socket.
   */
  messages(): UdpMessages {
    this.#isListening = true;
    return this.#messages;
  }

  /** Whether members of a group on this machine hear what is sent to it. */
  async setMulticastLoopback(isOn: boolean): Promise<void> {
    readFlag(isOn, 'loopback');
    await this.#change((datagram) => {
      datagram.set('multicastLoopback', isOn);
    });
  }

  /**
   * The interface that multicast is sent by.
   *
   * @param address one of this machine's, numeric. Where the provider does not know which interface has it, such as the one
   *   over `node:dgram`, this is refused with the code `ERR_UNSUPPORTED`
   */
  async setMulticastInterface(address: string): Promise<void> {
    const own = readAddress(address, 'interface');
    this.#requireOpen();
    const index = await attempt(() => this.#origin.host.interfaceIndex(own));
    if (index === undefined) throw new TypeError(`no interface of this machine has the address ${address}`);
    await this.#change((datagram) => {
      datagram.set('multicastInterface', index);
    });
  }

  /** @param via an address of the interface; default: the system's choice */
  async joinMulticast(group: string, via?: string): Promise<void> {
    const membership = readMembership(group, via);
    await this.#change((datagram) => {
      try {
        datagram.join(membership);
      } catch (error) {
        if (!(error instanceof DeniedError)) throw error;
        const { permissions } = this.#origin.host;
        throw permissionDenied(permissions.wordPermission('udp-multicast-membership', group, 0), error);
      }
    });
  }

  /** With the same words as it was joined. */
  async leaveMulticast(group: string, via?: string): Promise<void> {
    const membership = readMembership(group, via);
    await this.#change((datagram) => {
      datagram.leave(membership);
    });
  }

  /** Sends what is unsent, and closes. Again: nothing. */
  close(): Promise<void> {
    this.#end();
    // How it went is told by `closed`, as far as anybody can say.
    return this.#origin.datagram.close().catch(() => undefined);
  }

  /** Closes without sending what is unsent. */
  closeImmediately(): Promise<void> {
    this.#end();
    const { datagram } = this.#origin;
    datagram.abort();
    return datagram.close().catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  static create(origin: UdpOrigin): UdpSocket {
    return new UdpSocket(TOKEN, origin);
  }

  /** From the beginning, for whoever waits for `closed`; but what comes before `messages()` is nobody's. */
  #listen(): void {
    this.#origin.datagram.start({
      receive: (datagram) => {
        if (this.#isListening) this.#messages.push(datagram);
      },
      close: (error) => {
        const failure = error === null ? undefined : toIOError(error);
        if (failure === undefined) this.#closed.resolve(undefined);
        else this.#closed.reject(failure);
        this.#messages.end(failure, false);
        this.#isClosed = true;
        this.#origin.open.delete(this);
      },
    });
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#origin.open.delete(this);
    this.#messages.end(undefined, true);
    this.#closed.resolve(undefined);
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new IOError('Socket is closed', { code: 'ERR_SOCKET_CLOSED' });
  }

  async #change(change: (datagram: Datagram) => void): Promise<void> {
    this.#requireOpen();
    await attempt(() => {
      change(this.#origin.datagram);
    });
  }

  #call(
    call: (done: (error: Error | null) => void) => void,
    { host, port }: { readonly host: string; readonly port: number },
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        if (error instanceof DeniedError) {
          const { permissions } = this.#origin.host;
          reject(permissionDenied(permissions.wordPermission('udp-send-to', host, port), error));
        } else reject(inOwnWords(error));
      };
      try {
        call((error) => {
          if (error === null) resolve();
          else fail(error);
        });
      } catch (error) {
        fail(error);
      }
    });
  }
}

async function attempt<T>(call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw inOwnWords(error);
  }
}

function readMembership(group: string, via: string | undefined): Membership {
  const interfaceAddress = via === undefined ? undefined : readAddress(via, 'interface');
  return { group: readAddress(group, 'group'), interfaceAddress };
}

const TOKEN = Symbol('UdpSocket');
