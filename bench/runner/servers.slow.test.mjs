/** Every test of streams that loads servers: what it finds must make sense. How fast they are is not judged. */
import { describeServers } from './server-checks.mjs';

describeServers('servers of streams', (mode) => !mode.startsWith('udp'));
