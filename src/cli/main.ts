#!/usr/bin/env node
/** The command `portside`. */
import { Command, Option } from 'commander';
import { PROMPT_MODES } from './ask.ts';
import {
  grantPermissions,
  listPermissions,
  resetPermissions,
  revokePermissions,
} from './commands/permissions.ts';
import type { JsonOption } from './commands/permissions.ts';
import { runApp } from './commands/run.ts';
import type { RunOptions } from './commands/run.ts';
import type { OutputStreams } from './output.ts';
import { packageVersion } from './package-version.ts';
import { collectPermission } from './permission-arguments.ts';
import { PROVIDER_NAMES } from './providers.ts';

const HELP = `
Examples:
  $ portside run examples/echo-server      run the Chrome App in that folder
  $ portside run examples/chat-room        run the extension in that folder
  $ portside run --provider portable DIR   the same, on Node's own sockets
  $ portside run DIR | tee app.log         one line for each message, and no table
  $ portside help run                      all that 'run' can do`;

const RUN_HELP = `
DIR holds a manifest.json and the background scripts that it names: those of a Chrome App in
app.background.scripts, those of an extension in background.scripts. They run unmodified. An app
has chrome.sockets.tcp and chrome.sockets.tcpServer as far as its key "sockets" permits; an
extension has browser.TCPSocket, browser.UDPSocket and browser.permissions as far as its
"permissions" do.

What an extension may ask for besides is in its "optional_permissions". When it does, you are
asked on the terminal; the answer is no until you choose another. For scripts, --grant and --deny
answer beforehand, and '--prompt deny' denies what remains.

The app's console is shown. On a terminal there is a table of the app's sockets below it.
Ctrl-C closes all sockets and ends the command; a second Ctrl-C ends it at once.

Exit status: 0 when the app was stopped or had nothing left to do, 1 when it cannot run.

Examples:
  $ portside run examples/echo-server
  $ printf hello | socat - TCP:127.0.0.1:7007
  $ portside run --grant 'tcp-connect:*:443' --deny 'tcp-connect:10.0.0.0/8:*' DIR`;

const PERMISSIONS_HELP = `
What you answered with "always" is kept for each extension, and can be looked at and taken back
here. APP is an extension's folder, its id, or its name.

Examples:
  $ portside permissions list
  $ portside permissions grant examples/chat-visitor 'tcp-connect:localhost:7010'
  $ portside permissions revoke 'Chat Visitor' 'tcp-connect:localhost:7010'
  $ portside permissions reset 'Chat Visitor'`;

/** Some pseudo-terminals say that they have no size. */
function streamsOf(host: NodeJS.Process): OutputStreams {
  const describe = (stream: NodeJS.WriteStream): OutputStreams['stdout'] => ({
    get columns() {
      return stream.columns > 0 ? stream.columns : 80;
    },
    get rows() {
      return stream.rows > 0 ? stream.rows : 24;
    },
    isTTY: stream.isTTY,
    write: (text) => stream.write(text),
  });
  return { stdout: describe(host.stdout), stderr: describe(host.stderr), env: host.env };
}

function createProgram(): Command {
  const program = new Command('portside')
    .description(
      'Runs Chrome Apps and extensions: their background scripts, and their sockets on this machine.',
    )
    .version(packageVersion(), '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .showHelpAfterError("(try 'portside --help')")
    .addHelpText('after', HELP);
  program
    .command('run')
    .description('run the Chrome App or the extension in a folder')
    .argument('<DIR>', "the app's folder, with its manifest.json")
    .addOption(
      new Option('-p, --provider <NAME>', 'the sockets to run on (default: native, where it loads)').choices(
        PROVIDER_NAMES,
      ),
    )
    .option('--no-table', 'show no table of sockets')
    .addOption(
      new Option('-g, --grant <PERMISSION>', 'grant it when the app asks; may be repeated').argParser(
        collectPermission,
      ),
    )
    .addOption(
      new Option('-d, --deny <PERMISSION>', 'deny it whatever the manifest says; may be repeated').argParser(
        collectPermission,
      ),
    )
    .addOption(
      new Option('--prompt <MODE>', 'what to do when an app asks').choices(PROMPT_MODES).default('tty'),
    )
    .addHelpText('after', RUN_HELP)
    .action((folder: string, options: RunOptions) => runApp(folder, options, streamsOf(process)));
  addPermissions(program);
  return program;
}

function addPermissions(program: Command): void {
  const permissions = program
    .command('permissions')
    .description('show and change what extensions were granted for good')
    .addHelpText('after', PERMISSIONS_HELP);
  const json = ['--json', 'print JSON for programs'] as const;
  permissions
    .command('list')
    .description('list what was granted')
    .argument('[APP]', 'only of this extension')
    .option(...json)
    .action((app: string | undefined, options: JsonOption) => listPermissions(app, options));
  permissions
    .command('grant')
    .description('grant what an extension declares as optional')
    .argument('<DIR>', "the extension's folder")
    .argument('<PERMISSION...>', 'such as tcp-connect:example.com:443')
    .option(...json)
    .action((folder: string, texts: string[], options: JsonOption) =>
      grantPermissions(folder, texts, options),
    );
  permissions
    .command('revoke')
    .description('take back what was granted, as far as it is no broader')
    .argument('<APP>')
    .argument('<PERMISSION...>')
    .option(...json)
    .action((app: string, texts: string[], options: JsonOption) => revokePermissions(app, texts, options));
  permissions
    .command('reset')
    .description('take everything back, of one extension or of all')
    .argument('[APP]')
    .option(...json)
    .action((app: string | undefined, options: JsonOption) => resetPermissions(app, options));
}

await createProgram().parseAsync();
