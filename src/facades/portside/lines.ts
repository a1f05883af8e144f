/** Lines of text out of a connection. */
import { EndError, ProtocolError } from '../../base/errors.ts';
import type { Rules } from '../../base/rules.ts';
import { integer, oneOf, readWith, requireObject, withDefault } from '../../base/rules.ts';
import type { DeadlinePlan } from '../../base/validate.ts';
import { validateDeadline } from '../../base/validate.ts';
import type { Platform } from './platform.ts';
import type { Connection } from './types.ts';

const LF = 10;
const CR = 13;
const DELIMITER = Uint8Array.of(LF);
const DEFAULT_LIMIT = 64 * 1024;
const MAX_LIMIT = 2 ** 32 - 1;

interface LineRules {
  readonly limit: number;
  readonly encoding: 'latin1' | 'utf-8';
  readonly invalid: 'error' | 'replace';
}

export interface LinesPlan extends LineRules, DeadlinePlan {}

const LINES: Rules<LineRules> = {
  limit: withDefault(integer(1, MAX_LIMIT), DEFAULT_LIMIT),
  encoding: withDefault(oneOf('utf-8', 'latin1'), 'utf-8'),
  invalid: withDefault(oneOf('error', 'replace'), 'error'),
};

/** Judges what was given to `lines`. @throws {TypeError | RangeError} */
export function validateLines(options: unknown = {}): LinesPlan {
  const object = requireObject(options, 'options');
  return { ...readWith(object, LINES), ...validateDeadline(object, LINES) };
}

type Source = Pick<Connection, 'local' | 'readExactly' | 'readUntil' | 'remote' | 'transport'>;
type Decoder = Pick<Platform<never>, 'decode'>;

/** The next line with its end, the rest without one, or `null` after that. */
async function nextLine(source: Source, { limit, signal, timeout }: LinesPlan): Promise<Uint8Array | null> {
  try {
    return await source.readUntil(DELIMITER, { limit, signal, timeout });
  } catch (error) {
    if (!(error instanceof EndError)) throw error;
    return error.received === 0 ? null : source.readExactly(error.received);
  }
}

function withoutEnd(line: Uint8Array): Uint8Array {
  if (line.at(-1) !== LF) return line;
  return line.subarray(0, line.at(-2) === CR ? -2 : -1);
}

/** Pieces of a line whose every byte is one character; a call takes so many arguments at least. */
const PIECE = 8192;

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE)
    text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return text;
}

function textOf(line: Uint8Array, plan: LinesPlan, source: Source, decoder: Decoder): string {
  if (plan.encoding === 'latin1') return latin1(line);
  try {
    return decoder.decode(line, plan.invalid === 'error');
  } catch (cause) {
    const { transport, local, remote } = source;
    throw new ProtocolError('ERR_PROTOCOL_TEXT', 'a line is not UTF-8', {
      op: 'read',
      transport,
      local,
      remote,
      cause,
    });
  }
}

/** Reads lines to the end. */
export async function* linesOf(
  source: Source,
  plan: LinesPlan,
  decoder: Decoder,
): AsyncGenerator<string, void, undefined> {
  for (let line = await nextLine(source, plan); line !== null; line = await nextLine(source, plan))
    yield textOf(withoutEnd(line), plan, source, decoder);
}
