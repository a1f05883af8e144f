/** JSON with comments, as Chrome reads manifests, that remembers where each value stands in its file. */
import { parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Node, ParseError } from 'jsonc-parser';

/** A place in a text, counted from 1 as editors do; the column counts UTF-16 units. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

/** The way to a value: keys of objects and indices of arrays. */
export type JsonPath = readonly (string | number)[];

/** What a place in a JSON text is wrong with. */
export class JsonTextError extends Error {
  override readonly name: string = 'JsonTextError';
  readonly place: TextPlace;

  constructor(reason: string, place: TextPlace) {
    super(reason);
    this.place = place;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  CloseBraceExpected: "expected ',' or '}'",
  CloseBracketExpected: "expected ',' or ']'",
  ColonExpected: "expected ':' after the key",
  CommaExpected: "expected ','",
  EndOfFileExpected: 'expected the end of the file',
  InvalidCharacter: 'a control character inside a string',
  InvalidEscapeCharacter: 'not an escape sequence that JSON has',
  InvalidNumberFormat: 'not a number',
  InvalidSymbol: 'expected a value: a string in double quotes, a number, true, false, null, { or [',
  InvalidUnicode: 'expected four hexadecimal digits after \\u',
  PropertyNameExpected: 'expected a key in double quotes (the last one is not followed by a comma)',
  UnexpectedEndOfComment: 'the comment is not closed',
  UnexpectedEndOfNumber: 'the number is not complete',
  UnexpectedEndOfString: 'the string is not closed',
  ValueExpected: 'expected a value (the last one is not followed by a comma)',
};

/** The place of an offset. @param offset counted in UTF-16 units */
function placeOf(text: string, offset: number): TextPlace {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

/** UTF-8 without its byte-order mark. @throws {JsonTextError} at the first line that is not UTF-8 */
function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const lenient = new TextDecoder().decode(bytes);
    throw new JsonTextError('not valid UTF-8', placeOf(lenient, Math.max(lenient.indexOf('\ufffd'), 0)));
  }
}

function reasonOf(text: string, error: ParseError | undefined, offset: number): string {
  if (text.trim() === '') return 'the file is empty';
  const code = error === undefined ? 'ValueExpected' : printParseErrorCode(error.error);
  // A comma too many is the usual reason, but not where nothing follows at all.
  const isAtEnd =
    offset >= text.trimEnd().length && (code === 'ValueExpected' || code === 'PropertyNameExpected');
  return isAtEnd ? 'the file ends too early' : (REASONS[code] ?? code);
}

/** The value under a node. Keys become own properties whatever their name, `__proto__` too. */
function valueOf(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(valueOf);
  if (node.type !== 'object') return node.value as unknown;
  const entries = (node.children ?? []).map(({ children: [key, value] = [] }): [string, unknown] => [
    String(key?.value),
    value === undefined ? undefined : valueOf(value),
  ]);
  return Object.fromEntries(entries);
}

/** The child at one step of a path: of a key that is written twice the last, which is the one that counts. */
function childAt(node: Node, step: string | number): Node | undefined {
  if (typeof step === 'number') return node.type === 'array' ? node.children?.[step] : undefined;
  const property = node.children?.findLast((child) => child.children?.[0]?.value === step);
  return node.type === 'object' ? property?.children?.[1] : undefined;
}

/** A parsed text: its value, and where each part of it stands. */
export class JsonText {
  readonly value: unknown;
  readonly #text: string;
  readonly #root: Node;

  /** @throws {JsonTextError} the bytes are not UTF-8, or not JSON with comments */
  constructor(bytes: Uint8Array) {
    const text = decode(bytes);
    const errors: ParseError[] = [];
    const root = parseTree(text, errors, { allowTrailingComma: false });
    const [first] = errors.sort((a, b) => a.offset - b.offset);
    if (first !== undefined || root === undefined) {
      const offset = first?.offset ?? text.length;
      throw new JsonTextError(reasonOf(text, first, offset), placeOf(text, offset));
    }
    this.#text = text;
    this.#root = root;
    this.value = valueOf(root);
  }

  /** Where the value at `path` begins; where there is none, the nearest value around it. */
  placeOf(path: JsonPath): TextPlace {
    let node = this.#root;
    for (const step of path) {
      const child = childAt(node, step);
      if (child === undefined) break;
      node = child;
    }
    return placeOf(this.#text, node.offset);
  }
}

/** `sockets.tcp.connect[1]`, `["a key"].b`: a path as code would write it; `''` for the whole text. */
export function formatJsonPath(path: JsonPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${String(step)}]`;
    if (!/^[A-Za-z_$][\w$]*$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}
