/** `browser.TCPSocket`, `browser.UDPSocket` and `browser.permissions`, over any provider. */
import type { ClientSocket } from './client-socket.ts';
import { gated } from './gated.ts';
import type { GatedOp, TcpSocketHost } from './host.ts';
import type { ClientOptions, ServerOptions } from './options.ts';
import type { PermissionsApi } from './permissions-api.ts';
import { createPermissionsApi } from './permissions-api.ts';
import type { ServerSocket } from './server-socket.ts';
import { SocketMaker } from './socket-maker.ts';
import type { UdpNamespace } from './udp-namespace.ts';
import { createUdpNamespace } from './udp-namespace.ts';

export interface TcpNamespace {
  /**
   * Connects. Fulfils with a socket that is still `connecting`: how it goes is told by its `opened` and `closed`.
   *
   * @returns rejects with `IOError` `permission denied`, or with `TypeError` if `options` is none
   */
  connect(options: ClientOptions): Promise<ClientSocket>;
  /**
   * Listens, on all IPv4 addresses of this machine unless told otherwise.
   *
   * @returns rejects with `IOError`: `permission denied`, or `code` is `EADDRINUSE` …; with `TypeError` if `options` is none
   */
  listen(options?: ServerOptions): Promise<ServerSocket>;
}

/** What a WebExtension knows as `browser`. What it may not use is not there. */
export interface Browser {
  readonly TCPSocket?: Partial<TcpNamespace>;
  readonly UDPSocket?: UdpNamespace;
  readonly permissions: PermissionsApi;
}

export interface TcpSocketApi {
  readonly browser: Browser;
  /** Closes everything at once, and refuses all further calls. */
  close(): Promise<void>;
}

/** Which permission makes which member appear. */
const TCP_OPS: Readonly<Record<keyof TcpNamespace, GatedOp>> = {
  connect: 'tcp-connect',
  listen: 'tcp-listen',
};

/** @param further other members of `browser`, which are always there */
export function createTcpSocket(
  host: TcpSocketHost,
  further: Readonly<Record<string, unknown>> = {},
): TcpSocketApi {
  const maker = new SocketMaker(host);
  const { permissions } = host;
  const tcp = gated<TcpNamespace>(
    { connect: (options) => maker.connect(options), listen: (options) => maker.listen(options) },
    (name) => permissions.allowsSome(TCP_OPS[name]),
  );
  const members: Readonly<Record<string, unknown>> = {
    ...further,
    TCPSocket: tcp,
    UDPSocket: createUdpNamespace(maker),
    permissions: createPermissionsApi(permissions, host.report),
  };
  const isThere: Readonly<Record<string, () => boolean>> = {
    TCPSocket: () => Object.values(TCP_OPS).some((op) => permissions.allowsSome(op)),
    UDPSocket: () => permissions.allowsSome('udp-bind'),
  };
  return {
    browser: gated(members, (name) => isThere[name]?.() ?? true) as unknown as Browser,
    close: () => maker.close(),
  };
}
