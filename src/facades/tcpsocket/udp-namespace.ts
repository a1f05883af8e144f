/** `browser.UDPSocket`. */
import type { Sendable } from './bytes-argument.ts';
import type { SocketMaker } from './socket-maker.ts';
import type { UdpMessages } from './udp-messages.ts';
import type { UdpOptions, UdpSocket } from './udp-socket.ts';
import { FAMILY_INET, FAMILY_INET6, FAMILY_LOCAL } from './udp-socket.ts';

export interface UdpNamespace {
  readonly FAMILY_INET: number;
  readonly FAMILY_INET6: number;
  readonly FAMILY_LOCAL: number;
  /**
   * Makes a socket, which only this machine can reach unless told otherwise.
   *
   * @returns rejects with `IOError`: `permission denied`, or `code` is `EADDRINUSE` …; with `TypeError` if `options` is none
   */
  create(options?: UdpOptions): Promise<UdpSocket>;

  // The older style, in which functions take the socket first. Each is the method of the same name.
  messages(socket: UdpSocket): UdpMessages;
  send(socket: UdpSocket, host: string, port: number, data: Sendable, size?: number): Promise<number>;
  setMulticastLoopback(socket: UdpSocket, isOn: boolean): Promise<void>;
  setMulticastInterface(socket: UdpSocket, address: string): Promise<void>;
  /** `joinMulticast`. */
  addMembership(socket: UdpSocket, group: string, via?: string): Promise<void>;
  /** `leaveMulticast`. */
  dropMembership(socket: UdpSocket, group: string, via?: string): Promise<void>;
  close(socket: UdpSocket): Promise<void>;
}

export function createUdpNamespace(maker: SocketMaker): UdpNamespace {
  return Object.freeze<UdpNamespace>({
    FAMILY_INET,
    FAMILY_INET6,
    FAMILY_LOCAL,
    create: (options) => maker.create(options),
    messages: (socket) => socket.messages(),
    send: (socket, name, port, data, size) => socket.send(name, port, data, size),
    setMulticastLoopback: (socket, isOn) => socket.setMulticastLoopback(isOn),
    setMulticastInterface: (socket, address) => socket.setMulticastInterface(address),
    addMembership: (socket, group, via) => socket.joinMulticast(group, via),
    dropMembership: (socket, group, via) => socket.leaveMulticast(group, via),
    close: (socket) => socket.close(),
  });
}
