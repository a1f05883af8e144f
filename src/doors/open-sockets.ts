/** For tests: what they have left open. */
import type { Portside } from './portside.ts';
import { leakReport, sockets } from './portside.ts';

/**
 * Fails if a socket is open: to be called when a test is over, `afterEach(() => assertNoOpenSockets())`. Where each was opened
 * is told if `recordStacks()` was called before, or `PORTSIDE_STACKS=1` is set.
 *
 * @param front what is looked at. Default: the sockets of the module `portside` itself
 * @throws {Error} naming each socket that is open
 */
export function assertNoOpenSockets(front: Pick<Portside, 'sockets'> = { sockets }): void {
  const count = front.sockets().length;
  if (count === 0) return;
  throw new Error(
    `${String(count)} ${count === 1 ? 'socket is' : 'sockets are'} open:\n${leakReport(front)}`,
  );
}
