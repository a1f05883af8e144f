import { formatAddress } from '../../base/address.ts';
import type { AppState } from './app-state.ts';
import type { ServerSocket } from './server-socket.ts';
import type { TcpPhase, TcpSocket } from './tcp-socket.ts';

/** One socket of an app, as a live table shows it. */
export interface ChromeSocketRow {
  /** Unique among the rows of the same `kind`. */
  readonly socketId: number;
  readonly kind: 'tcp' | 'tcpServer';
  readonly state: TcpPhase | 'listening';
  /** `127.0.0.1:80`; absent without a connection or listener. */
  readonly local?: string;
  readonly peer?: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly paused: boolean;
  /** `''` where the app gave none. */
  readonly name: string;
}

function tcpRow(socket: TcpSocket): ChromeSocketRow {
  const { id, stream, phase, isPaused, name } = socket;
  return {
    socketId: id,
    kind: 'tcp',
    state: phase,
    ...(stream === null ? {} : { local: formatAddress(stream.local), peer: formatAddress(stream.remote) }),
    bytesIn: stream?.bytesRead ?? 0,
    bytesOut: stream?.bytesWritten ?? 0,
    paused: isPaused,
    name,
  };
}

function serverRow(socket: ServerSocket): ChromeSocketRow {
  const { id, listener, isPaused, name } = socket;
  return {
    socketId: id,
    kind: 'tcpServer',
    state: listener === null ? 'idle' : 'listening',
    ...(listener === null ? {} : { local: formatAddress(listener.local) }),
    bytesIn: 0,
    bytesOut: 0,
    paused: isPaused,
    name,
  };
}

/** The app's sockets, servers first, each kind in the order of its ids. */
export function* socketRows(app: AppState): Generator<ChromeSocketRow, void, undefined> {
  for (const server of app.servers.values()) yield serverRow(server);
  for (const socket of app.tcp.values()) yield tcpRow(socket);
}
