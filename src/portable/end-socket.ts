/** The two ways to end a socket of `node:net`. */
import type { Socket } from 'node:net';

/**
 * Ends the writing half, and closes when all is with the kernel. What comes in until then is read and dropped: Linux
 * answers a close over unread bytes with a reset, and drops what it has not sent yet (tcp_close in net/ipv4/tcp.c).
 *
 * @param socket one whose `data` nobody minds any more
 */
export function flushAndDestroy(socket: Socket): void {
  // libuv may tell of the shutdown after it has polled: only the turn after the next check polls for what has come.
  const destroySoon = (): void => {
    setImmediate(() => {
      setImmediate(() => {
        socket.destroy();
      });
    });
  };
  if (!socket.writableEnded) socket.end();
  socket.resume();
  if (socket.writableFinished) destroySoon();
  else socket.once('finish', destroySoon);
}

/** Where Node's `resetAndDestroy` waits for what is unsent, `destroy` ends the wait, and it is still a reset. */
function resetNow(socket: Socket): void {
  if (!socket.destroyed) socket.resetAndDestroy();
  socket.destroy();
}

/**
 * Resets a TCP connection. libuv refuses that while a shutdown is under way (uv_tcp_close_reset: EINVAL), and Node would
 * then lose the handle without closing it; a shutdown is over in the next turn of the loop.
 */
export function reset(socket: Socket): void {
  const isShuttingDown = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (!isShuttingDown) {
    resetNow(socket);
    return;
  }
  socket.once('finish', () => {
    resetNow(socket);
  });
}
