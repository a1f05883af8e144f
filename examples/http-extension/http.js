/** As much of HTTP/1.1 as a small server needs: requests without bodies, and connections that are used again. */
const MAX_HEAD = 16 * 1024;

export class HttpError extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

const REASONS = {
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
};

function parseHead(head) {
  const [first, ...lines] = head.split('\r\n');
  const [, method, target, version] = /^([A-Z]+) (\S+) HTTP\/1\.([01])$/.exec(first) ?? [];
  if (method === undefined) throw new HttpError(400, 'this is no HTTP request');
  const headers = new Map();
  for (const line of lines) {
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined) throw new HttpError(400, 'a header line is malformed');
    headers.set(name.toLowerCase(), value);
  }
  if (headers.has('transfer-encoding') || Number(headers.get('content-length') ?? 0) > 0)
    throw new HttpError(413, 'no bodies are taken here');
  const wanted = (headers.get('connection') ?? '').toLowerCase();
  return {
    method,
    target,
    headers,
    keepsAlive: version === '1' ? wanted !== 'close' : wanted === 'keep-alive',
  };
}

/** Yields the requests of a connection until its end. @throws {HttpError} */
export async function* requestsOf(socket) {
  const decoder = new TextDecoder('latin1');
  let text = '';
  for (;;) {
    const end = text.indexOf('\r\n\r\n');
    if (end >= 0) {
      const head = text.slice(0, end);
      text = text.slice(end + 4);
      yield parseHead(head);
      continue;
    }
    if (text.length > MAX_HEAD) throw new HttpError(431, 'the request is too long');
    const chunk = await socket.read();
    if (chunk.byteLength === 0) return;
    text += decoder.decode(chunk);
  }
}

/** Sends a response. `body` is text; of a HEAD request only its length is told. */
export function respond(
  socket,
  { status, type = 'text/plain', body = '', keepsAlive = false, isHead = false, headers = {} },
) {
  const bytes = new TextEncoder().encode(body);
  const lines = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    `Content-Type: ${type}; charset=utf-8`,
    `Content-Length: ${bytes.length}`,
    `Connection: ${keepsAlive ? 'keep-alive' : 'close'}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  const head = new TextEncoder().encode(`${lines.join('\r\n')}\r\n\r\n`);
  const all = new Uint8Array(head.length + (isHead ? 0 : bytes.length));
  all.set(head);
  if (!isHead) all.set(bytes, head.length);
  return socket.write(all);
}
