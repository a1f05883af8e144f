/** Every test of datagrams that loads servers: what it finds must make sense. How fast they are is not judged. */
import { describeServers } from './server-checks.mjs';

describeServers('servers of datagrams', (mode) => mode.startsWith('udp'));
