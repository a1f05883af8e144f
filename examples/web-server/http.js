// As much of HTTP/1.1 as a static server needs: requests out of bytes, responses into bytes.

var MAX_HEAD = 16 * 1024;
var MAX_BODY = 1024 * 1024;

var REASONS = {
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
  505: 'HTTP Version Not Supported',
};

// Collects what a client sends, and gives one request at a time. A request that cannot be understood has a `status`
// instead of a method; nothing that follows it can be understood either.
function RequestReader() {
  this.text = ''; // One character a byte, so that indices are byte counts.
}

RequestReader.prototype.push = function (buffer) {
  var bytes = new Uint8Array(buffer);
  var text = '';
  for (var i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]);
  this.text += text;
};

// The next request, or null if it has not arrived in full.
RequestReader.prototype.next = function () {
  // Empty lines before a request are allowed (RFC 9112, section 2.2).
  this.text = this.text.replace(/^(\r?\n)+/, '');
  var end = /\r?\n\r?\n/.exec(this.text);
  if (end === null) return this.text.length > MAX_HEAD ? { status: 431 } : null;
  if (end.index > MAX_HEAD) return { status: 431 };
  var request = parseHead(this.text.slice(0, end.index));
  if (request.status) return request;
  var bodyStart = end.index + end[0].length;
  if (request.bodyLength > MAX_BODY) return { status: 413 };
  if (this.text.length < bodyStart + request.bodyLength) return null;
  // What is in the body does not matter to a server that only has files.
  this.text = this.text.slice(bodyStart + request.bodyLength);
  return request;
};

function parseHead(head) {
  var lines = head.split(/\r?\n/);
  var start = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (\S+) HTTP\/(\d)\.(\d)$/.exec(lines[0]);
  if (start === null) return { status: 400 };
  if (start[3] !== '1') return { status: 505 };
  var isHttp10 = start[4] === '0';
  var headers = parseHeaders(lines.slice(1));
  var path = decodePath(start[2]);
  if (headers === null || path === null) return { status: 400 };
  if (!isHttp10 && headers.host === undefined) return { status: 400 };
  if (headers['transfer-encoding'] !== undefined) return { status: 501 };
  var length = headers['content-length'] === undefined ? '0' : headers['content-length'];
  if (!/^\d{1,15}$/.test(length)) return { status: 400 };
  return {
    method: start[1],
    path: path,
    bodyLength: Number(length),
    keepAlive: wantsKeepAlive(headers.connection, isHttp10),
  };
}

// HTTP/1.1 keeps connections unless told otherwise, HTTP/1.0 closes them.
function wantsKeepAlive(connection, isHttp10) {
  var options = (connection || '').toLowerCase().split(/\s*,\s*/);
  return isHttp10 ? options.indexOf('keep-alive') >= 0 : options.indexOf('close') < 0;
}

function parseHeaders(lines) {
  var headers = Object.create(null);
  for (var i = 0; i < lines.length; i++) {
    var match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/.exec(lines[i]);
    if (match === null) return null;
    var name = match[1].toLowerCase();
    // A repeated Host or Content-Length is how requests are smuggled past proxies.
    if (name in headers && (name === 'host' || name === 'content-length')) return null;
    headers[name] = name in headers ? headers[name] + ', ' + match[2] : match[2];
  }
  return headers;
}

// `/a%20b?c` to `/a b`; null if it is no path.
function decodePath(target) {
  var path = target.replace(/^https?:\/\/[^/?#]*/i, '').split(/[?#]/)[0];
  if (path === '' && target !== path) path = '/';
  if (path.charAt(0) !== '/') return null;
  try {
    return decodeURIComponent(path);
  } catch (error) {
    return null;
  }
}

// The bytes of a response. A HEAD request gets the same headers and no body.
function formatResponse(status, file, options) {
  var body = file ? file.bytes : new TextEncoder().encode(status + ' ' + REASONS[status] + '\n');
  var lines = [
    'HTTP/1.1 ' + status + ' ' + REASONS[status],
    'Date: ' + new Date().toUTCString(),
    'Content-Type: ' + (file ? file.type : 'text/plain; charset=utf-8'),
    'Content-Length: ' + body.length,
    'Connection: ' + (options.keepAlive ? 'keep-alive' : 'close'),
  ];
  if (status === 405) lines.push('Allow: GET, HEAD');
  var head = new TextEncoder().encode(lines.join('\r\n') + '\r\n\r\n');
  if (options.headOnly) return head.buffer;
  var all = new Uint8Array(head.length + body.length);
  all.set(head);
  all.set(body, head.length);
  return all.buffer;
}
