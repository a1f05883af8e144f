/** What a person reads before saying yes. */
import type { HostPattern } from './host-pattern.ts';
import { formatNetwork, touchesLocal } from './networks.ts';
import { OPS } from './ops.ts';
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

const LOOPBACKS = new Set(['localhost', '127.0.0.1', '::1', '127.0.0.0/8']);

function placeOf(host: HostPattern): Place {
  switch (host.kind) {
    case 'any':
      return { reach: 'everywhere', words: 'any host, on the internet and on your local network' };
    case 'name':
      return LOOPBACKS.has(host.name)
        ? { reach: 'this-computer', words: 'programs on this computer' }
        : { reach: 'host', words: `the host ${host.name}` };
    case 'domain':
      return { reach: 'domain', words: `hosts in the domain ${host.name}` };
    case 'network':
      return networkPlace(formatNetwork(host.network), host);
    case 'path':
      return { reach: 'this-computer', words: pathWords(host) };
    case 'protocol':
      return { reach: 'this-computer', words: host.name };
  }
}

function networkPlace(text: string, { network }: Extract<HostPattern, { kind: 'network' }>): Place {
  if (LOOPBACKS.has(text)) return { reach: 'this-computer', words: 'programs on this computer' };
  const local = touchesLocal(network);
  if (network.prefix === 128)
    return { reach: 'host', words: local === 'all' ? `${text}, on your local network` : `the host ${text}` };
  if (local === 'all') return { reach: 'local-network', words: `your local network (${text})` };
  const isInternet = local === 'none';
  return {
    reach: isInternet ? 'internet' : 'everywhere',
    words: `the network ${text}${isInternet ? ' on the internet' : ', of which some is your local network'}`,
  };
}

function pathWords({ path, isPrefix }: Extract<HostPattern, { kind: 'path' }>): string {
  const shown = JSON.stringify(path.startsWith('\0') ? `@${path.slice(1)}` : path).slice(1, -1);
  return isPrefix ? `everything that begins with ${shown}` : shown;
}

/** Of one's own addresses. */
function ownPlaceOf(host: HostPattern): Place {
  const place = placeOf(host);
  if (host.kind === 'any') return { reach: 'everywhere', words: 'all addresses of this computer' };
  return place.reach === 'this-computer' ? { ...place, words: 'this computer alone' } : place;
}

function portWords(ports: PortSet): string {
  if (ports === null) return ', on any port';
  const isOne = ports.length === 1 && ports[0]?.[0] === ports[0]?.[1];
  return `, on ${isOne ? 'port' : 'the ports'} ${formatPorts(ports)}`;
}

export function describeRule(rule: Rule): Description {
  const { subject, isOwn, words } = OPS[rule.op];
  const place = isOwn && subject === 'address' ? ownPlaceOf(rule.host) : placeOf(rule.host);
  const where = rule.host.kind === 'any' && subject === 'path' ? 'any path' : place.words;
  const ports = subject === 'address' ? portWords(rule.ports) : '';
  const verb = rule.effect === 'deny' ? 'never ' : '';
  return {
    rule,
    permission: formatRule(rule),
    reach: subject === 'none' ? 'none' : place.reach,
    text: `${verb}${words.replace('{}', where)}${ports}`,
  };
}

/** All of them, those that reach furthest first. */
export function describeRules(rules: readonly Rule[]): readonly Description[] {
  return rules.map(describeRule).sort((a, b) => REACHES.indexOf(a.reach) - REACHES.indexOf(b.reach));
}
