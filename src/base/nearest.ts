/** What a misspelt name may have been meant for. */

/** Longer ones are no names. */
const MAX_LENGTH = 64;

/** The row of distances from `a`'s first `i` characters to each beginning of `b`, from the two rows before it. */
function nextRow(
  a: string,
  b: string,
  i: number,
  before: readonly number[],
  before2: readonly number[],
): number[] {
  const row = [i];
  for (let j = 1; j <= b.length; j++) {
    const isSame = a[i - 1] === b[j - 1];
    const substituted = (before[j - 1] ?? 0) + (isSame ? 0 : 1);
    let least = Math.min(substituted, (before[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
    if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
      least = Math.min(least, (before2[j - 2] ?? 0) + 1);
    row.push(least);
  }
  return row;
}

/** Characters to be put in, left out, changed or swapped with their neighbour to make `a` into `b`. */
function editDistance(a: string, b: string): number {
  let before2: number[] = [];
  let before = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) [before2, before] = [before, nextRow(a, b, i, before, before2)];
  return before[b.length] ?? 0;
}

/**
 * The one of `names` that `name` is most like, whatever the case of the letters; the first of equals. `undefined` if more
 * than a third of its characters would have to change, for then it is no slip.
 */
export function nearest(name: string, names: Iterable<string>): string | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  const wanted = name.toUpperCase();
  let best: string | undefined;
  let least = Math.floor(name.length / 3) + 1;
  for (const each of names) {
    if (Math.abs(each.length - name.length) >= least) continue;
    const distance = editDistance(wanted, each.toUpperCase());
    if (distance < least) [best, least] = [each, distance];
  }
  return best;
}
