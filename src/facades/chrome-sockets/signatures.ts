/**
 * What each function takes, in the words of Chrome's own interface description. From these rows come the argument checks,
 * their messages and the reference page.
 */

/** A dictionary, an enumeration, or a plain type. */
export type ParamType =
  | 'binary'
  | 'boolean'
  | 'function'
  | 'integer'
  | 'string'
  | { readonly name: string; readonly values: readonly string[] }
  | { readonly name: string; readonly members: readonly Param[] };

export interface Param {
  readonly name: string;
  readonly type: ParamType;
  readonly optional?: boolean | undefined;
}

export interface Signature {
  /** The namespace and the function: `sockets.tcp.connect`. */
  readonly name: string;
  /** All but the callback, which comes last. */
  readonly params: readonly Param[];
  readonly callback: 'required' | 'optional';
  /** Whether an app of manifest version 3 may leave the callback out and gets a promise. */
  readonly promise: boolean;
}

const PERSISTENT: Param = { name: 'persistent', type: 'boolean', optional: true };
const NAME: Param = { name: 'name', type: 'string', optional: true };
const BUFFER_SIZE: Param = { name: 'bufferSize', type: 'integer', optional: true };
const TCP_PROPERTIES: ParamType = {
  name: 'sockets.tcp.SocketProperties',
  members: [PERSISTENT, NAME, BUFFER_SIZE],
};
const SERVER_PROPERTIES: ParamType = {
  name: 'sockets.tcpServer.SocketProperties',
  members: [PERSISTENT, NAME],
};
const DNS_QUERY_TYPE: ParamType = { name: 'sockets.tcp.DnsQueryType', values: ['any', 'ipv4', 'ipv6'] };
const TLS_VERSIONS: ParamType = {
  name: 'sockets.tcp.TLSVersionConstraints',
  members: [
    { name: 'min', type: 'string', optional: true },
    { name: 'max', type: 'string', optional: true },
  ],
};
const SECURE_OPTIONS: ParamType = {
  name: 'sockets.tcp.SecureOptions',
  members: [{ name: 'tlsVersion', type: TLS_VERSIONS, optional: true }],
};

const ID: Param = { name: 'socketId', type: 'integer' };
const PAUSED: Param = { name: 'paused', type: 'boolean' };

function row(
  name: string,
  params: readonly Param[],
  callback: 'required' | 'optional',
  promise: 'promise' | 'no promise',
): Signature {
  return { name, params, callback, promise: promise === 'promise' };
}

function optional(name: string, type: ParamType): Param {
  return { name, type, optional: true };
}

type TcpName =
  | 'close'
  | 'connect'
  | 'create'
  | 'disconnect'
  | 'getInfo'
  | 'getSockets'
  | 'secure'
  | 'send'
  | 'setKeepAlive'
  | 'setNoDelay'
  | 'setPaused'
  | 'update';
type TcpServerName =
  'close' | 'create' | 'disconnect' | 'getInfo' | 'getSockets' | 'listen' | 'setPaused' | 'update';

export const TCP_SIGNATURES: Readonly<Record<TcpName, Signature>> = {
  create: row('sockets.tcp.create', [optional('properties', TCP_PROPERTIES)], 'required', 'promise'),
  update: row(
    'sockets.tcp.update',
    [ID, { name: 'properties', type: TCP_PROPERTIES }],
    'optional',
    'promise',
  ),
  setPaused: row('sockets.tcp.setPaused', [ID, PAUSED], 'optional', 'promise'),
  setKeepAlive: row(
    'sockets.tcp.setKeepAlive',
    [ID, { name: 'enable', type: 'boolean' }, optional('delay', 'integer')],
    'required',
    'no promise',
  ),
  setNoDelay: row(
    'sockets.tcp.setNoDelay',
    [ID, { name: 'noDelay', type: 'boolean' }],
    'required',
    'no promise',
  ),
  connect: row(
    'sockets.tcp.connect',
    [
      ID,
      { name: 'peerAddress', type: 'string' },
      { name: 'peerPort', type: 'integer' },
      optional('dnsQueryType', DNS_QUERY_TYPE),
    ],
    'required',
    'no promise',
  ),
  disconnect: row('sockets.tcp.disconnect', [ID], 'optional', 'promise'),
  secure: row('sockets.tcp.secure', [ID, optional('options', SECURE_OPTIONS)], 'required', 'no promise'),
  send: row('sockets.tcp.send', [ID, { name: 'data', type: 'binary' }], 'required', 'no promise'),
  close: row('sockets.tcp.close', [ID], 'optional', 'promise'),
  getInfo: row('sockets.tcp.getInfo', [ID], 'required', 'promise'),
  getSockets: row('sockets.tcp.getSockets', [], 'required', 'promise'),
};

export const TCP_SERVER_SIGNATURES: Readonly<Record<TcpServerName, Signature>> = {
  create: row('sockets.tcpServer.create', [optional('properties', SERVER_PROPERTIES)], 'required', 'promise'),
  update: row(
    'sockets.tcpServer.update',
    [ID, { name: 'properties', type: SERVER_PROPERTIES }],
    'optional',
    'promise',
  ),
  setPaused: row('sockets.tcpServer.setPaused', [ID, PAUSED], 'optional', 'promise'),
  listen: row(
    'sockets.tcpServer.listen',
    [
      ID,
      { name: 'address', type: 'string' },
      { name: 'port', type: 'integer' },
      optional('backlog', 'integer'),
    ],
    'required',
    'no promise',
  ),
  disconnect: row('sockets.tcpServer.disconnect', [ID], 'optional', 'promise'),
  close: row('sockets.tcpServer.close', [ID], 'optional', 'promise'),
  getInfo: row('sockets.tcpServer.getInfo', [ID], 'required', 'promise'),
  getSockets: row('sockets.tcpServer.getSockets', [], 'required', 'promise'),
};

function formatParam(param: Param): string {
  const type = typeof param.type === 'string' ? param.type : param.type.name;
  return `${param.optional === true ? 'optional ' : ''}${type} ${param.name}`;
}

/** The parameters and the callback, as the checks see them. */
export function allParams(signature: Signature): readonly Param[] {
  return [
    ...signature.params,
    { name: 'callback', type: 'function', optional: signature.callback === 'optional' },
  ];
}

/** `sockets.tcp.close(integer socketId, optional function callback)`: what messages and the reference page show. */
export function formatSignature(signature: Signature): string {
  return `${signature.name}(${allParams(signature).map(formatParam).join(', ')})`;
}
