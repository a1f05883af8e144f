/**
 * Text of others, such as a socket's path, for a line that a person reads or that goes into a log: what would begin a new
 * line, turn the direction of writing around, or not be seen, is shown by its number.
 */
export function plainText(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (unseen) => `\\u{${(unseen.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
