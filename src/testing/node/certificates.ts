/**
 * Certificates for tests, made anew by the `openssl` program whenever a test asks for them, and gone when its process ends:
 * no key is ever kept.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate and its key. */
export interface MadeIdentity {
  /** PEM: the certificate, then those between it and its authority. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

/** One row a certificate: who it is for, who signs it, and what is odd about it. */
interface Row {
  readonly issuer: 'authority' | 'intermediate' | 'stranger';
  readonly subject: string;
  readonly alternativeNames?: string;
  readonly usage: 'server' | 'client' | 'authority';
  /** Days from now on which it ends; before that it is good for a year. Default 30. */
  readonly endsIn?: number;
  readonly startsIn?: number;
}

/** What the certificates are called. */
export type RowName =
  | 'chained'
  | 'client'
  | 'early'
  | 'expired'
  | 'expiredClient'
  | 'good'
  | 'intermediate'
  | 'second'
  | 'strangeClient'
  | 'untrusted'
  | 'wrongName';

const LOOPBACK = 'DNS:localhost,DNS:example.test,DNS:*.wild.test,IP:127.0.0.1,IP:::1';

const ROWS: Readonly<Record<RowName, Row>> = {
  intermediate: { issuer: 'authority', subject: '/CN=Portside Test Intermediate', usage: 'authority' },
  good: { issuer: 'authority', subject: '/CN=example.test', alternativeNames: LOOPBACK, usage: 'server' },
  second: {
    issuer: 'authority',
    subject: '/CN=second.test',
    alternativeNames: 'DNS:second.test,DNS:*.second.test',
    usage: 'server',
  },
  chained: {
    issuer: 'intermediate',
    subject: '/CN=chained.test',
    alternativeNames: LOOPBACK,
    usage: 'server',
  },
  expired: {
    issuer: 'authority',
    subject: '/CN=expired.test',
    alternativeNames: LOOPBACK,
    usage: 'server',
    endsIn: -1,
    startsIn: -10,
  },
  early: {
    issuer: 'authority',
    subject: '/CN=early.test',
    alternativeNames: LOOPBACK,
    usage: 'server',
    endsIn: 20,
    startsIn: 10,
  },
  wrongName: {
    issuer: 'authority',
    subject: '/CN=elsewhere.test',
    alternativeNames: 'DNS:elsewhere.test,IP:192.0.2.1',
    usage: 'server',
  },
  untrusted: { issuer: 'stranger', subject: '/CN=example.test', alternativeNames: LOOPBACK, usage: 'server' },
  client: { issuer: 'authority', subject: '/CN=a client', usage: 'client' },
  expiredClient: {
    issuer: 'authority',
    subject: '/CN=an old client',
    usage: 'client',
    endsIn: -1,
    startsIn: -10,
  },
  strangeClient: { issuer: 'stranger', subject: '/CN=a stranger', usage: 'client' },
};

/** The certificates of `ROWS`, by its names, and what signs them. */
export type Certificates = Readonly<Record<RowName, MadeIdentity>> & {
  /** The authority whom the tests trust. PEM. */
  readonly authority: string;
  readonly authorityFile: string;
  /** One whom nobody trusts. */
  readonly stranger: string;
  /** The key of `good`, locked with `LOCKED_WITH`. */
  readonly lockedKey: string;
  /** Where `good.chain.pem`, `good.key` and those of the others are, for programs that want files. */
  readonly folder: string;
};

/** Opens `lockedKey`. */
export const LOCKED_WITH = 'open, sesame';

const EXTENSIONS = {
  server: 'basicConstraints=critical,CA:false\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n',
  client: 'basicConstraints=critical,CA:false\nextendedKeyUsage=clientAuth\nkeyUsage=digitalSignature\n',
  authority: 'basicConstraints=critical,CA:true\nkeyUsage=keyCertSign,cRLSign\n',
} as const;

const DAY = 24 * 60 * 60 * 1000;

/** A time as `openssl ca` takes it: YYMMDDHHMMSSZ. */
function timeText(days: number): string {
  return new Date(Date.now() + days * DAY).toISOString().slice(2, 19).replaceAll(/[-T:]/g, '') + 'Z';
}

class Maker {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'portside-certificates-'));

  file(name: string): string {
    return join(this.folder, name);
  }

  run(...args: readonly string[]): void {
    const { status, stderr, error } = spawnSync('openssl', args, { encoding: 'utf8', cwd: this.folder });
    if (error !== undefined) throw error;
    if (status !== 0) throw new Error(`openssl ${args.join(' ')}\n${stderr}`);
  }

  key(name: string): void {
    this.run('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', `${name}.key`);
  }

  /** A certificate that is signed by its own key, and what signing with it takes. */
  root(name: string, subject: string): void {
    this.key(name);
    this.run(
      'req',
      '-x509',
      '-new',
      '-key',
      `${name}.key`,
      '-subj',
      subject,
      '-days',
      '365',
      '-out',
      `${name}.pem`,
    );
  }

  signed(name: string, row: Row): void {
    this.key(name);
    this.run('req', '-new', '-key', `${name}.key`, '-subj', row.subject, '-out', `${name}.csr`);
    writeFileSync(this.file(`${name}.index`), '');
    writeFileSync(this.file(`${name}.config`), this.#config(name, row));
    const [start, end] = [timeText(row.startsIn ?? -1), timeText(row.endsIn ?? 30)];
    this.run(
      'ca',
      '-batch',
      '-notext',
      '-config',
      `${name}.config`,
      '-in',
      `${name}.csr`,
      '-out',
      `${name}.pem`,
      '-startdate',
      start,
      '-enddate',
      end,
    );
  }

  #config(name: string, row: Row): string {
    const names = row.alternativeNames === undefined ? '' : `subjectAltName=${row.alternativeNames}\n`;
    return (
      `[ca]\ndefault_ca=own\n[own]\ndatabase=${name}.index\nrand_serial=yes\nnew_certs_dir=.\n` +
      `certificate=${row.issuer}.pem\nprivate_key=${row.issuer}.key\ndefault_md=sha256\npolicy=any\n` +
      `x509_extensions=extensions\nunique_subject=no\n[any]\ncommonName=supplied\n` +
      `[extensions]\n${EXTENSIONS[row.usage]}${names}`
    );
  }

  identity(name: string, row: Row): MadeIdentity {
    const own = readFileSync(this.file(`${name}.pem`), 'utf8');
    const cert =
      row.issuer === 'intermediate' ? own + readFileSync(this.file('intermediate.pem'), 'utf8') : own;
    writeFileSync(this.file(`${name}.chain.pem`), cert);
    const key = readFileSync(this.file(`${name}.key`), 'utf8');
    return { cert, key };
  }
}

let made: Certificates | undefined;

/** The certificates of this process. @throws {Error} there is no `openssl` */
export function certificates(): Certificates {
  if (made !== undefined) return made;
  const maker = new Maker();
  process.once('exit', () => {
    rmSync(maker.folder, { recursive: true, force: true });
  });
  maker.root('authority', '/CN=Portside Test Authority');
  maker.root('stranger', '/CN=Portside Test Stranger');
  const rows = Object.entries<Row>(ROWS);
  for (const [name, row] of rows) maker.signed(name, row);
  maker.run('ec', '-in', 'good.key', '-aes128', '-passout', `pass:${LOCKED_WITH}`, '-out', 'locked.key');
  const read = (name: string): string => readFileSync(maker.file(name), 'utf8');
  made = {
    ...(Object.fromEntries(rows.map(([name, row]) => [name, maker.identity(name, row)])) as Record<
      RowName,
      MadeIdentity
    >),
    authority: read('authority.pem'),
    authorityFile: maker.file('authority.pem'),
    stranger: read('stranger.pem'),
    lockedKey: read('locked.key'),
    folder: maker.folder,
  };
  return made;
}
