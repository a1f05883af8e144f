/** Addresses to names: getnameinfo(3). */
import type { ConstantName } from '../addon/constant-names.ts';
import { loadNative } from '../addon/load.ts';
import type { NameQuestion, NativeAnswer } from '../addon/native-names.ts';
import { formatAddress } from '../base/address.ts';
import { oneOf, readWith, requireKnown, requireObject, withDefault } from '../base/rules.ts';
import type { InternetAddress } from './address.ts';
import { flagSet, WAIT, waitOf } from './arguments.ts';
import { interfaceIndex } from './interfaces.ts';
import type { Subject } from './lookups.ts';
import { ask, checkAnswer } from './lookups.ts';
import { decodeSockaddr, encodeSockaddr } from './sockaddr.ts';
import type { AsyncWait } from './waiting.ts';

/** A name of a flag of `nameInfo`. */
export type NameInfoFlag = Exclude<Extract<ConstantName, `NI_${string}`>, (typeof NO_FLAGS)[number]>;

/** Sizes. */
const NO_FLAGS = ['NI_MAXHOST', 'NI_MAXSERV'] as const;

export interface NameInfoHints {
  /** `NI_…` names, or the sum of their numbers. */
  readonly flags?: readonly NameInfoFlag[] | number | undefined;
}

export interface NameInfoOptions extends NameInfoHints, AsyncWait {}

/** What an address is called. */
export interface NameInfo {
  /** A name; the address as text, if it has none. */
  readonly host: string;
  /** The service's name; the port as text, if it has none. */
  readonly service: string;
}

const HINTS = { flags: withDefault(flagSet('NI_', NO_FLAGS), 0) };
const HINTS_AND_WAIT = { ...HINTS, ...WAIT };
const ipFamily = oneOf('ipv4', 'ipv6');

interface Plan {
  readonly question: NameQuestion;
  readonly subject: Subject;
}

/** @param known what the options may have */
function plan(address: InternetAddress, options: unknown = {}, known: object = HINTS): Plan {
  ipFamily(Reflect.get(requireObject(address, 'address'), 'family'), 'address.family');
  const sockaddr = encodeSockaddr(address, { interfaceIndex });
  requireKnown(requireObject(options, 'options'), known);
  const { flags } = readWith(options as object, HINTS);
  // What is asked, not what the caller's object may say by now.
  const asked = decodeSockaddr(sockaddr) as InternetAddress;
  return {
    question: [sockaddr, flags],
    subject: { op: 'nameInfo', syscall: 'getnameinfo', host: formatAddress(asked) },
  };
}

function readAnswer({ host, service }: NativeAnswer): NameInfo {
  return { host, service };
}

/**
 * Looks up the name of an IP address, and of its port as a service, on a thread of Portside's own: the same as those of
 * `resolve`, with the same limits.
 *
 * @throws {ResolveError} `EAI_NONAME`: with `NI_NAMEREQD`, the address has no name; `EAI_AGAIN` …
 * @throws {SystemError} `ETIMEDOUT`; `ENODEV`: there is no interface of the address's `scope`
 * @throws {BusyError} too many lookups are waiting
 * @throws the signal's reason, if it aborts first
 * @see getnameinfo(3)
 */
export async function nameInfo(address: InternetAddress, options?: NameInfoOptions): Promise<NameInfo> {
  const { question, subject } = plan(address, options, HINTS_AND_WAIT);
  const wait = waitOf(options, HINTS_AND_WAIT);
  return readAnswer(await ask((names) => names.askNames(...question), subject, wait));
}

/**
 * The same, and blocks the thread: for as long as a name server likes, unless flags ask for numbers.
 *
 * @throws {ResolveError}
 * @throws {SystemError} `ENODEV`
 * @see getnameinfo(3)
 */
export function nameInfoSync(address: InternetAddress, options?: NameInfoHints): NameInfo {
  const { question, subject } = plan(address, options);
  return readAnswer(checkAnswer(loadNative().findNames(...question), subject));
}
