/** Whether something keeps a thread's loop turning for nothing: counted in turns, which no busy machine makes more. */
import { setTimeout as time } from 'node:timers/promises';

/** Milliseconds of a window, and how many there are. */
const WINDOW = 20;
const WINDOWS = 11;

/** How often this thread's loop has turned. @see nodejs.org/api/perf_hooks.html, uvMetricsInfo */
function turnsSoFar(): number {
  return performance.nodeTiming.uvMetricsInfo.loopCount;
}

/**
 * How often the loop turns within 20 ms: once if nothing happens, and hundreds of times if it spins. It is the middle one of
 * several counts, since V8 marks garbage in turns of the loop, for a while.
 */
export async function turnsInWindow(): Promise<number> {
  const counts: number[] = [];
  for (let i = 0; i < WINDOWS; i++) {
    const before = turnsSoFar();
    await time(WINDOW);
    counts.push(turnsSoFar() - before);
  }
  counts.sort((a, b) => a - b);
  return counts[Math.floor(WINDOWS / 2)] ?? 0;
}
