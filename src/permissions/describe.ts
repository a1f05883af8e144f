/** What a person reads before saying yes. */
import type { HostPattern } from './host-pattern.ts';
import { isLocalhost } from './host-pattern.ts';
import type { Network } from './networks.ts';
import { formatNetwork, isAllOf, touchesLocal } from './networks.ts';
import type { OpRow } from './ops.ts';
import { OPS } from './ops.ts';
import { plainText } from './plain-text.ts';
import type { PortSet } from './ports.ts';
import { formatPorts } from './ports.ts';
import type { Rule } from './rule.ts';
import { formatRule } from './rule.ts';

/** How much of the world a rule is about, from the most to the least. */
export const REACHES = [
  'everywhere',
  'internet',
  'domain',
  'local-network',
  'host',
  'this-computer',
  'none',
] as const;
export type Reach = (typeof REACHES)[number];

export interface Description {
  readonly rule: Rule;
  /** The rule as it is written. */
  readonly permission: string;
  readonly reach: Reach;
  /** One sentence without its full stop: "connect to hosts in the domain example.com, on port 443". */
  readonly text: string;
}

interface Place {
  readonly reach: Reach;
  readonly words: string;
}

const HERE: Place = { reach: 'this-computer', words: 'programs on this computer' };

function placeOf(host: HostPattern, { any, subject }: OpRow): Place {
  switch (host.kind) {
    case 'any':
      return { reach: subject === 'path' ? 'this-computer' : 'everywhere', words: any };
    case 'name':
      return isLocalhost(host) ? HERE : { reach: 'host', words: `the host ${plainText(host.name)}` };
    case 'domain':
      return isLocalhost(host)
        ? HERE
        : { reach: 'domain', words: `hosts in the domain ${plainText(host.name)}` };
    case 'network':
      return networkPlace(host.network);
    case 'path':
      return { reach: 'this-computer', words: pathWords(host) };
    case 'protocol':
      return { reach: 'this-computer', words: host.name };
  }
}

function networkPlace(network: Network): Place {
  const text = formatNetwork(network);
  const isOne = network.prefix === 128;
  if (isAllOf(network, 'loopback')) return HERE;
  if (isAllOf(network, 'multicast'))
    return { reach: 'local-network', words: `the multicast group${isOne ? '' : 's'} ${text}` };
  const local = touchesLocal(network);
  if (isOne)
    return { reach: 'host', words: local === 'all' ? `${text}, on your local network` : `the host ${text}` };
  if (local === 'all') return { reach: 'local-network', words: `your local network (${text})` };
  const isInternet = local === 'none';
  return {
    reach: isInternet ? 'internet' : 'everywhere',
    words: `the network ${text}${isInternet ? ' on the internet' : ', of which some is your local network'}`,
  };
}

function pathWords({ path, isPrefix }: Extract<HostPattern, { kind: 'path' }>): string {
  const shown = plainText(path.startsWith('\0') ? `@${path.slice(1)}` : path);
  return isPrefix ? `every path that begins with ${shown}` : shown;
}

function portWords(ports: PortSet): string {
  if (ports === null) return ', on any port';
  const isOne = ports.length === 1 && ports[0]?.[0] === ports[0]?.[1];
  return `, on ${isOne ? 'port' : 'the ports'} ${formatPorts(ports)}`;
}

export function describeRule(rule: Rule): Description {
  const row = OPS[rule.op];
  const place = placeOf(rule.host, row);
  const isOwnAlone = row.isOwn && row.subject === 'address' && place === HERE;
  const where = isOwnAlone ? 'this computer alone' : place.words;
  const ports = row.subject === 'address' ? portWords(rule.ports) : '';
  const verb = rule.effect === 'deny' ? 'never ' : '';
  return {
    rule,
    permission: formatRule(rule),
    reach: row.subject === 'none' ? 'none' : place.reach,
    text: `${verb}${row.words.replace('{}', () => where)}${ports}`,
  };
}

/** All of them, those that reach furthest first. */
export function describeRules(rules: readonly Rule[]): readonly Description[] {
  return rules.map(describeRule).sort((a, b) => REACHES.indexOf(a.reach) - REACHES.indexOf(b.reach));
}
