// An echo server: whatever a client sends comes back.

var ADDRESS = '127.0.0.1';
var PORT = 7007;

var tcp = chrome.sockets.tcp;
var tcpServer = chrome.sockets.tcpServer;

var serverId = null;
var pendingSends = {}; // How many sends of each client are not done.

function start(port) {
  tcpServer.create({ name: 'echo' }, function (info) {
    serverId = info.socketId;
    tcpServer.listen(serverId, ADDRESS, port, function (result) {
      if (result < 0) {
        var why = chrome.runtime.lastError.message;
        tcpServer.close(serverId);
        if (port === 0) {
          console.error('Cannot listen on ' + ADDRESS + ': ' + why);
          return;
        }
        console.warn('Port ' + port + ' cannot be had (' + why + '), taking a free one.');
        start(0);
        return;
      }
      tcpServer.getInfo(serverId, function (server) {
        console.log('Echoing on ' + server.localAddress + ':' + server.localPort);
        console.log('Try it:  printf hello | socat - TCP:' + server.localAddress + ':' + server.localPort);
      });
    });
  });
}

tcpServer.onAccept.addListener(function (info) {
  if (info.socketId !== serverId) return;
  pendingSends[info.clientSocketId] = 0;
  // Accepted sockets are paused, so that no data is lost before we are ready.
  tcp.setPaused(info.clientSocketId, false);
});

tcpServer.onAcceptError.addListener(function (info) {
  console.error('Accepting failed: ' + info.resultCode);
});

tcp.onReceive.addListener(function (info) {
  var id = info.socketId;
  if (!(id in pendingSends)) return;
  pendingSends[id] += 1;
  // One chunk at a time: a client that does not read its echo is not read from either.
  tcp.setPaused(id, true);
  tcp.send(id, info.data, function (sent) {
    if (!(id in pendingSends)) return;
    if (chrome.runtime.lastError || sent.resultCode < 0) {
      forget(id);
      return;
    }
    pendingSends[id] -= 1;
    if (pendingSends[id] === 0) tcp.setPaused(id, false);
  });
});

tcp.onReceiveError.addListener(function (info) {
  // -100 is the end of the stream. The socket is not connected any more, but its id is still ours to give back.
  if (info.resultCode !== -100) console.warn('Client ' + info.socketId + ' is gone: ' + info.resultCode);
  forget(info.socketId);
});

function forget(id) {
  if (!(id in pendingSends)) return;
  delete pendingSends[id];
  tcp.close(id);
}

start(PORT);
