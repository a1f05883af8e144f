/**
 * Servers that are not ours, for the programs of the guide: Debian's Python runs them. Each is a command that starts a server,
 * runs the rest of its line, which finds the server by its environment, and ends with that program's status.
 */
import { spawnSync } from 'node:child_process';
import { certificates } from '../testing/node/certificates.ts';

/** Debian's own, whose modules come in packages; the `python3` that the path finds may be another. */
const PYTHON = '/usr/bin/python3';

/** One row a server. */
interface Row {
  /** The module of Python that it takes, and Debian's package of it. */
  readonly module: string;
  readonly package: string;
  readonly code: string;
  /** Its arguments, before the program's. */
  readonly args: () => readonly string[];
  /** A command in which it runs, and the program with it. */
  readonly under: readonly string[];
  /** A command that succeeds where the rest can be had, and what it means if it does not. */
  readonly probe: readonly string[];
  readonly lack: string;
}

const SMTP = `
import asyncio, os, ssl, sys
from aiosmtpd.smtp import SMTP

class Handler:
    async def handle_DATA(self, server, session, envelope):
        print('server: from', envelope.mail_from, 'to', *envelope.rcpt_tos, flush=True)
        print('server:', envelope.content, flush=True)
        return '250 kept'

async def main(certificate, key, authority, *program):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    loop = asyncio.get_running_loop()
    make = lambda: SMTP(Handler(), tls_context=tls, require_starttls=True, hostname='mail.test', loop=loop)
    server = await loop.create_server(make, '127.0.0.1', 0)
    port = server.sockets[0].getsockname()[1]
    env = {**os.environ, 'SMTP_SERVER': f'localhost:{port}', 'SMTP_AUTHORITY': authority}
    child = await asyncio.create_subprocess_exec(*program, env=env)
    status = await child.wait()
    server.close()
    return status

sys.exit(asyncio.run(main(*sys.argv[1:])))
`;

const MDNS = `
import socket, subprocess, sys
from zeroconf import IPVersion, ServiceInfo, Zeroconf

zeroconf = Zeroconf(interfaces=['192.0.2.1'], ip_version=IPVersion.V4Only)
try:
    zeroconf.register_service(ServiceInfo(
        '_http._tcp.local.', 'Printer on the second floor._http._tcp.local.', server='printer.local.',
        addresses=[socket.inet_aton('192.0.2.7')], port=8080, properties={'path': '/status'}))
    status = subprocess.run(sys.argv[1:]).returncode
finally:
    zeroconf.close()
sys.exit(status)
`;

/** A network in which there is one interface, with multicast, and nobody but the two. */
const OWN_NETWORK = [
  'unshare',
  '-rn',
  'sh',
  '-ec',
  `ip link set lo up
ip link add lan0 type veth peer name lan1
ip link set lan1 up
ip address add 192.0.2.1/24 dev lan0
ip link set lan0 up multicast on
ip route add default dev lan0
exec "$@"`,
  'sh',
];

const ROWS: Readonly<Record<string, Row>> = {
  smtp: {
    module: 'aiosmtpd',
    package: 'python3-aiosmtpd',
    code: SMTP,
    args: () => {
      const { folder, authorityFile } = certificates();
      return [`${folder}/good.chain.pem`, `${folder}/good.key`, authorityFile];
    },
    under: [],
    probe: ['openssl', 'version'],
    lack: 'openssl is not there',
  },
  mdns: {
    module: 'zeroconf',
    package: 'python3-zeroconf',
    code: MDNS,
    args: () => [],
    under: OWN_NETWORK,
    probe: [...OWN_NETWORK, 'true'],
    lack: 'no network namespace with an interface of its own',
  },
};

function rowOf(name: string): Row {
  const row = ROWS[name];
  if (row === undefined) throw new Error(`no peer is called ${name}`);
  return row;
}

function succeeds(command: readonly string[]): boolean {
  return spawnSync(command[0] ?? '', command.slice(1)).status === 0;
}

/** Why the server cannot be run here, or `false` if it can. */
export function whyNoPeer(name: string): string | false {
  const row = rowOf(name);
  if (!succeeds([PYTHON, '-c', `import ${row.module}`]))
    return `${PYTHON} has no module ${row.module}: apt-get install ${row.package}`;
  return succeeds(row.probe) ? false : row.lack;
}

/** The command that runs the rest of its line beside the server. */
export function besidePeer(name: string): readonly string[] {
  const { under, code, args } = rowOf(name);
  return [...under, PYTHON, '-c', code, ...args()];
}
