/**
 * The objects that `chrome.sockets.udp` makes: for each datagram an event with a fresh ArrayBuffer of exactly its size,
 * its sender as text and number, and an answer through a send with a callback, by socket number.
 *
 * @typedef {object} ReceiveInfo
 * @property {number} socketId
 * @property {ArrayBuffer} data
 * @property {string} remoteAddress
 * @property {number} remotePort
 *
 * @typedef {{ resultCode: number, bytesSent: number }} SendInfo
 *
 * @typedef {(data: ArrayBuffer, address: string, port: number, callback: (info: SendInfo) => void) => void} Send
 */

const SOCKET_ID = 1;

/** @type {Map<number, Send>} */
const sockets = new Map();
/** @type {Set<(info: ReceiveInfo) => void>} */
const receiveListeners = new Set();

/** @param {SendInfo} result */
function onSent(result) {
  if (result.resultCode < 0) throw new Error(`send failed with ${String(result.resultCode)}`);
}

receiveListeners.add(({ socketId, data, remoteAddress, remotePort }) => {
  const send = sockets.get(socketId);
  if (send === undefined) onSent({ resultCode: -15, bytesSent: 0 });
  else send(data, remoteAddress, remotePort, onSent);
});

/** @param {Send} send */
export function offer(send) {
  sockets.set(SOCKET_ID, send);
}

/**
 * @param {ArrayBuffer} data
 * @param {string} remoteAddress
 * @param {number} remotePort
 */
export function dispatch(data, remoteAddress, remotePort) {
  for (const listener of receiveListeners) listener({ socketId: SOCKET_ID, data, remoteAddress, remotePort });
}
