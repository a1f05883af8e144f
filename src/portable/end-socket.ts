/** The two ways to end a socket of `node:net`. */
import type { Socket } from 'node:net';

/** libuv may tell of a shutdown after it has polled: only the turn after the next check polls for what has come. */
function afterShutdown(callback: () => void): void {
  setImmediate(() => {
    setImmediate(callback);
  });
}

/**
 * Ends the writing half, and closes when all is with the kernel. What comes in until then is read and dropped: Linux
 * answers a close over unread bytes with a reset, and drops what it has not sent yet (tcp_close in net/ipv4/tcp.c).
 *
 * @param socket one whose `data` nobody minds any more
 */
export function flushAndDestroy(socket: Socket): void {
  const destroySoon = (): void => {
    afterShutdown(() => socket.destroy());
  };
  if (!socket.writableEnded) socket.end();
  socket.resume();
  if (socket.writableFinished) destroySoon();
  else socket.once('finish', destroySoon);
}

/**
 * Ends the writing half of a socket that speaks TLS. Node takes what it has just sent, the handshake's last records perhaps,
 * for being on its way until the end of the loop's turn, and would send the FIN, and no `close_notify`
 * (TLSWrap::EncOut and DoShutdown in src/crypto/crypto_tls.cc).
 */
export function endProtected(socket: Socket): void {
  setImmediate(() => {
    if (!socket.destroyed) socket.end();
  });
}

/** As `flushAndDestroy`, for a socket that speaks TLS: the one below it sees to what comes in. */
export function endProtectedAndDestroy(socket: Socket): void {
  if (!socket.writableEnded) endProtected(socket);
  socket.resume();
  if (socket.writableFinished) socket.destroy();
  else socket.once('finish', () => socket.destroy());
}

/** Where Node's `resetAndDestroy` waits for what is unsent, `destroy` ends the wait, and it is still a reset. */
function resetNow(socket: Socket): void {
  if (!socket.destroyed) socket.resetAndDestroy();
  socket.destroy();
}

function isShuttingDown(socket: Socket): boolean {
  return socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
}

/**
 * Resets a TCP connection. libuv refuses that while a shutdown is under way (uv_tcp_close_reset: EINVAL), and Node would
 * then lose the handle without closing it; a shutdown is over in the next turn of the loop.
 *
 * @param upper what speaks over `socket`, and may have asked for a shutdown as well. Its last words may not be sent yet, and
 * then that is not over so soon: the connection is closed, and not reset
 */
export function reset(socket: Socket, upper: Socket | undefined): void {
  if (upper !== undefined && isShuttingDown(upper)) {
    afterShutdown(() => {
      if (upper.writableFinished) resetNow(socket);
      else socket.destroy();
    });
  } else if (isShuttingDown(socket)) {
    socket.once('finish', () => {
      resetNow(socket);
    });
  } else {
    resetNow(socket);
  }
}
