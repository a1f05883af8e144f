/** Echo as a Chrome App writes it, in this process, over Portside's engine. */
import { createChrome } from '../../dist/doors/chrome.js';
import { localProvider } from '../../dist/engine/local-provider.js';
import { serve } from './control.mjs';

const manifest = {
  manifest_version: 2,
  name: 'echo',
  version: '1',
  app: { background: { scripts: ['echo.js'] } },
  sockets: { tcpServer: { listen: '127.0.0.1:*' } },
};

const chrome = createChrome({ manifest, provider: localProvider() });
const { tcp, tcpServer } = chrome.sockets;

/** @param {{ resultCode: number }} result */
function onSent(result) {
  if (result.resultCode < 0) throw new Error(`send failed with ${String(result.resultCode)}`);
}

tcp.onReceive.addListener((info) => {
  tcp.send(info.socketId, info.data, onSent);
});
tcp.onReceiveError.addListener((info) => {
  tcp.close(info.socketId);
});
tcpServer.onAccept.addListener((info) => {
  tcp.setPaused(info.clientSocketId, false);
});
tcpServer.onAcceptError.addListener((info) => {
  throw new Error(`accept failed with ${String(info.resultCode)}`);
});

tcpServer.create({}, ({ socketId }) => {
  tcpServer.listen(socketId, '127.0.0.1', 0, 4096, (result) => {
    if (result !== 0) throw new Error(`listen failed with ${String(result)}`);
    tcpServer.getInfo(socketId, (info) => {
      if (info.localPort === undefined) throw new Error('the listener has no port');
      serve(info.localPort);
    });
  });
});
