/** Counts what a process holds open, before and after. */
import { readdirSync, readlinkSync } from 'node:fs';

/** Descriptors of this process, with what each is; empty where `/proc` does not tell. */
export function openDescriptors(): ReadonlyMap<number, string> {
  const open = new Map<number, string>();
  let names: readonly string[];
  try {
    names = readdirSync('/proc/self/fd');
  } catch {
    return open;
  }
  for (const name of names) {
    try {
      open.set(Number(name), readlinkSync(`/proc/self/fd/${name}`));
    } catch {
      // It is closed by now: the descriptor with which readdir read this very folder.
    }
  }
  return open;
}

/** How many descriptors of this process are open: the `resources` of a suite. */
export function countDescriptors(): number {
  return openDescriptors().size;
}

/** Compares with the moment when it was made. */
export interface LeakCheck {
  /** @throws {Error} naming each descriptor that is open now and was not then */
  check(): void;
  /**
   * The same, after other threads and processes have had many turns of the loop to give back what they held.
   *
   * @throws {Error} as `check`
   */
  settled(): Promise<void>;
}

/** Far more than a thread needs to close what it has, and soon over where something has leaked. */
const MOST_TURNS = 100_000;

/** Remembers what is open now. */
export function leakCheck(): LeakCheck {
  const before = openDescriptors();
  const check = (): void => {
    const after = openDescriptors();
    const extra = [...after].filter(([fd, what]) => before.get(fd) !== what);
    if (after.size <= before.size) return;
    const list = extra.map(([fd, what]) => `${String(fd)} ${what}`).join(', ');
    throw new Error(`${String(after.size - before.size)} more descriptors than before: ${list}`);
  };
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < MOST_TURNS && countDescriptors() > before.size; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    check();
  };
  return { check, settled };
}
