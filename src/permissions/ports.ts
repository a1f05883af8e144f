/** Sets of ports. */

/** First and last port, both included. */
export type PortRange = readonly [first: number, last: number];

/** `null`: every port, and 0, which asks for a free one. Else ranges between 1 and 65,535 that are sorted and do not touch. */
export type PortSet = readonly PortRange[] | null;

export const MAX_PORT = 65_535;

/** The ranges sorted, and joined where they touch. */
export function portSet(ranges: readonly PortRange[]): PortSet {
  const joined: [number, number][] = [];
  for (const [first, last] of [...ranges].sort(([a], [b]) => a - b)) {
    const before = joined.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else joined.push([first, last]);
  }
  return joined;
}

export function onePort(port: number): PortSet {
  return [[port, port]];
}

/** Whether it is every port, or exactly one. */
export function isOnePort(set: PortSet): boolean {
  return set === null || (set.length === 1 && set[0]?.[0] === set[0]?.[1]);
}

export function hasPort(set: PortSet, port: number): boolean {
  if (set === null) return true;
  for (const [first, last] of set) if (port >= first && port <= last) return true;
  return false;
}

/** Whether it has any port from `first` on. */
export function hasPortFrom(set: PortSet, first: number): boolean {
  return set === null || set.some((range) => range[1] >= first);
}

/** Whether every port of `inner` is one of `outer`. */
export function coversPorts(outer: PortSet, inner: PortSet): boolean {
  if (outer === null) return true;
  if (inner === null) return false;
  return inner.every(([first, last]) => outer.some((range) => range[0] <= first && last <= range[1]));
}

/** Whether the two have a port in common. */
export function portsMeet(a: PortSet, b: PortSet): boolean {
  if (a === null || b === null) return true;
  return a.some(([first, last]) => b.some((range) => range[0] <= last && first <= range[1]));
}

/** `*`, `80`, `80,8000-8010`. */
export function formatPorts(set: PortSet): string {
  if (set === null) return '*';
  return set
    .map(([first, last]) => (first === last ? String(first) : `${String(first)}-${String(last)}`))
    .join(',');
}

/** Reads one port from 1 to 65,535, in decimal without leading zeros. @returns `undefined` if it is none */
export function parsePort(text: string): number | undefined {
  if (!/^[1-9]\d{0,4}$/.test(text)) return undefined;
  const port = Number(text);
  return port <= MAX_PORT ? port : undefined;
}
