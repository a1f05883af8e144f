/** Whether something keeps a thread's loop turning for nothing: counted in turns, which no busy machine makes more. */

/** How often this thread's loop has turned. @see nodejs.org/api/perf_hooks.html, uvMetricsInfo */
function turnsSoFar(): number {
  return performance.nodeTiming.uvMetricsInfo.loopCount;
}

/**
 * How often the loop turns for one `step`: once or a few times, or very many times if it spins. It is the middle one of all
 * counts, since V8 marks garbage in turns of the loop, in the course of a few steps.
 */
export async function turnsPerStep(steps: number, step: () => Promise<unknown>): Promise<number> {
  const counts: number[] = [];
  for (let i = 0; i < steps; i++) {
    const before = turnsSoFar();
    await step();
    counts.push(turnsSoFar() - before);
  }
  counts.sort((a, b) => a - b);
  return counts[Math.floor(steps / 2)] ?? 0;
}
