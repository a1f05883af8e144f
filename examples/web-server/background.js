// A static web server: sockets in, files out.

var ADDRESS = '127.0.0.1';
var PORT = 8008;

var tcp = chrome.sockets.tcp;
var tcpServer = chrome.sockets.tcpServer;

var serverId = null;
var clients = {}; // Client socket id to its RequestReader; null once the last response is under way.

function start(port) {
  tcpServer.create({ name: 'http' }, function (info) {
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
        console.log('Serving http://' + server.localAddress + ':' + server.localPort + '/');
      });
    });
  });
}

tcpServer.onAccept.addListener(function (info) {
  if (info.socketId !== serverId) return;
  clients[info.clientSocketId] = new RequestReader();
  tcp.setPaused(info.clientSocketId, false);
});

tcp.onReceive.addListener(function (info) {
  var reader = clients[info.socketId];
  if (!reader) return;
  reader.push(info.data);
  // Several requests may have come at once (pipelining); they are answered in order.
  for (var request = reader.next(); request !== null; request = reader.next()) {
    if (!answer(info.socketId, request)) return;
  }
});

tcp.onReceiveError.addListener(function (info) {
  forget(info.socketId);
});

// Answers one request. Returns false if the connection ends with it.
function answer(id, request) {
  var isRead = request.method === 'GET' || request.method === 'HEAD';
  var file = isRead ? readFile(request.path) : undefined;
  var status = request.status || (!isRead ? 405 : file ? 200 : 404);
  var keepAlive = !request.status && request.keepAlive;
  var options = { keepAlive: keepAlive, headOnly: request.method === 'HEAD' };
  if (request.status) console.warn(request.status + ' a request that is no HTTP/1.1');
  else console.log(status + ' ' + request.method + ' ' + request.path);
  if (!keepAlive) clients[id] = null;
  tcp.send(id, formatResponse(status, file, options), function (sent) {
    if (chrome.runtime.lastError || sent.resultCode < 0 || !keepAlive) forget(id);
  });
  return keepAlive;
}

function forget(id) {
  if (!(id in clients)) return;
  delete clients[id];
  tcp.close(id);
}

start(PORT);
