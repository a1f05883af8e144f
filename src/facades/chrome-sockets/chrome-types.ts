/** The types of `chrome.sockets.tcp`, `chrome.sockets.tcpServer` and `chrome.runtime`, as Chrome documents them. */

/** Which addresses of a name may be used. A numeric address of another family is as if the name had none. */
export type DnsQueryType = 'any' | 'ipv4' | 'ipv6';

export interface TcpSocketProperties {
  /** Whether the socket stays open when the app's event page is unloaded. Default `false`. */
  persistent?: boolean;
  /** The app's own name for the socket. `''` is no name. */
  name?: string;
  /** Most bytes of one `onReceive`. Default 4096, also for 0 and less. */
  bufferSize?: number;
}

export interface TcpServerSocketProperties {
  persistent?: boolean;
  name?: string;
}

export interface CreateInfo {
  socketId: number;
}

export interface SendInfo {
  /** 0, or a negative net error code. */
  resultCode: number;
  /** Only if the bytes were sent. */
  bytesSent?: number;
}

/** Fields without a value are absent. */
export interface TcpSocketInfo {
  socketId: number;
  persistent: boolean;
  name?: string;
  bufferSize?: number;
  paused: boolean;
  connected: boolean;
  localAddress?: string;
  localPort?: number;
  peerAddress?: string;
  peerPort?: number;
}

/** Fields without a value are absent. */
export interface TcpServerSocketInfo {
  socketId: number;
  persistent: boolean;
  name?: string;
  paused: boolean;
  localAddress?: string;
  localPort?: number;
}

export interface ReceiveInfo {
  socketId: number;
  data: ArrayBuffer;
}

/** Of `onReceiveError` and `onAcceptError`. */
export interface SocketErrorInfo {
  socketId: number;
  /** A negative net error code. */
  resultCode: number;
}

export interface AcceptInfo {
  /** The server. */
  socketId: number;
  /** The new connection: an id of `chrome.sockets.tcp`, paused until the app un-pauses it. */
  clientSocketId: number;
}

export interface SecureOptions {
  tlsVersion?: { min?: string; max?: string };
}

export interface ChromeEvent<Info> {
  /** Adding a listener twice calls it once. */
  addListener(callback: (info: Info) => void): void;
  removeListener(callback: (info: Info) => void): void;
  hasListener(callback: (info: Info) => void): boolean;
  hasListeners(): boolean;
}

/** What a program may leave out, or fill with `null` or `undefined`. */
type Absent = null | undefined;
/** Bytes to send: of a view, what it views. */
type Bytes = ArrayBuffer | ArrayBufferView;

/** @see https://developer.chrome.com/docs/apps/reference/sockets/tcp */
export interface ChromeSocketsTcp {
  create(callback: (info: CreateInfo) => void): void;
  create(properties: TcpSocketProperties | Absent, callback: (info: CreateInfo) => void): void;
  update(socketId: number, properties: TcpSocketProperties, callback?: (() => void) | Absent): void;
  setPaused(socketId: number, paused: boolean, callback?: (() => void) | Absent): void;
  setKeepAlive(socketId: number, enable: boolean, callback: (result: number) => void): void;
  setKeepAlive(
    socketId: number,
    enable: boolean,
    delay: number | Absent,
    callback: (result: number) => void,
  ): void;
  setNoDelay(socketId: number, noDelay: boolean, callback: (result: number) => void): void;
  connect(socketId: number, peerAddress: string, peerPort: number, callback: (result: number) => void): void;
  connect(
    socketId: number,
    peerAddress: string,
    peerPort: number,
    dnsQueryType: DnsQueryType | Absent,
    callback: (result: number) => void,
  ): void;
  disconnect(socketId: number, callback?: (() => void) | Absent): void;
  /** TLS is not supported yet: a connected socket is answered -2 and closed. */
  secure(socketId: number, callback: (result: number) => void): void;
  secure(socketId: number, options: SecureOptions | Absent, callback: (result: number) => void): void;
  send(socketId: number, data: Bytes, callback: (info: SendInfo) => void): void;
  close(socketId: number, callback?: (() => void) | Absent): void;
  getInfo(socketId: number, callback: (info: TcpSocketInfo) => void): void;
  getSockets(callback: (infos: TcpSocketInfo[]) => void): void;
  readonly onReceive: ChromeEvent<ReceiveInfo>;
  readonly onReceiveError: ChromeEvent<SocketErrorInfo>;
}

/** @see https://developer.chrome.com/docs/apps/reference/sockets/tcpServer */
export interface ChromeSocketsTcpServer {
  create(callback: (info: CreateInfo) => void): void;
  create(properties: TcpServerSocketProperties | Absent, callback: (info: CreateInfo) => void): void;
  update(socketId: number, properties: TcpServerSocketProperties, callback?: (() => void) | Absent): void;
  setPaused(socketId: number, paused: boolean, callback?: (() => void) | Absent): void;
  listen(socketId: number, address: string, port: number, callback: (result: number) => void): void;
  listen(
    socketId: number,
    address: string,
    port: number,
    backlog: number | Absent,
    callback: (result: number) => void,
  ): void;
  disconnect(socketId: number, callback?: (() => void) | Absent): void;
  close(socketId: number, callback?: (() => void) | Absent): void;
  getInfo(socketId: number, callback: (info: TcpServerSocketInfo) => void): void;
  getSockets(callback: (infos: TcpServerSocketInfo[]) => void): void;
  readonly onAccept: ChromeEvent<AcceptInfo>;
  readonly onAcceptError: ChromeEvent<SocketErrorInfo>;
}

/** The part of `chrome.runtime` that the socket APIs need. Hosts add to it. */
export interface ChromeRuntime {
  /** Why the call failed whose callback runs now; `undefined` at any other time. */
  readonly lastError: { readonly message: string } | undefined;
  readonly id: string;
  /** A copy of the app's manifest. */
  getManifest(): Record<string, unknown>;
}
