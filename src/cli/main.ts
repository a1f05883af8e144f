#!/usr/bin/env node
/** The command `portside`. */
import { Command, Option } from 'commander';
import { runApp } from './commands/run.ts';
import type { RunOptions } from './commands/run.ts';
import type { OutputStreams } from './output.ts';
import { packageVersion } from './package-version.ts';
import { PROVIDER_NAMES } from './providers.ts';

const HELP = `
Examples:
  $ portside run examples/echo-server      run the Chrome App in that folder
  $ portside run --provider portable DIR   the same, on Node's own sockets
  $ portside run DIR | tee app.log         one line for each message, and no table
  $ portside help run                      all that 'run' can do`;

const RUN_HELP = `
DIR holds a Chrome App: a manifest.json and the background scripts that it names in
app.background.scripts. The scripts run unmodified, with chrome.sockets.tcp and
chrome.sockets.tcpServer as far as the manifest's key "sockets" permits.

The app's console is shown. On a terminal there is a table of the app's sockets below it.
Ctrl-C closes all sockets and ends the command; a second Ctrl-C ends it at once.

Exit status: 0 when the app was stopped or had nothing left to do, 1 when it cannot run.

Examples:
  $ portside run examples/echo-server
  $ printf hello | socat - TCP:127.0.0.1:7007`;

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
    .description('Runs Chrome Apps: their background scripts, and their sockets on this machine.')
    .version(packageVersion(), '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .showHelpAfterError("(try 'portside --help')")
    .addHelpText('after', HELP);
  program
    .command('run')
    .description('run the Chrome App in a folder')
    .argument('<DIR>', "the app's folder, with its manifest.json")
    .addOption(
      new Option('-p, --provider <NAME>', 'the sockets to run on (default: native, where it loads)').choices(
        PROVIDER_NAMES,
      ),
    )
    .option('--no-table', 'show no table of sockets')
    .addHelpText('after', RUN_HELP)
    .action((folder: string, options: RunOptions) => runApp(folder, options, streamsOf(process)));
  return program;
}

await createProgram().parseAsync();
