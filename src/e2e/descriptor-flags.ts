/** What the system says of a descriptor. */
import { readFileSync } from 'node:fs';

/** `O_CLOEXEC`, as `/proc` shows it. */
const CLOSE_ON_EXEC = 0o2000000;

export function isCloseOnExec(fd: number): boolean {
  const info = readFileSync(`/proc/self/fdinfo/${String(fd)}`, 'utf8');
  return (Number.parseInt(/flags:\s+(\d+)/.exec(info)?.[1] ?? '', 8) & CLOSE_ON_EXEC) !== 0;
}
