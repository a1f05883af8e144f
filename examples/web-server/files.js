// The files that are served: path to type and content.

var FILES = {
  '/': {
    type: 'text/html; charset=utf-8',
    body:
      '<!DOCTYPE html>\n' +
      '<html lang="en">\n' +
      '  <head>\n' +
      '    <title>A Chrome App serves this</title>\n' +
      '    <link rel="stylesheet" href="/style.css">\n' +
      '    <link rel="icon" href="/icon.png">\n' +
      '  </head>\n' +
      '  <body>\n' +
      '    <h1>It works</h1>\n' +
      '    <p>This page comes from a Chrome App: a background script and <code>chrome.sockets.tcpServer</code>.</p>\n' +
      '    <p><a href="/caf%C3%A9%20menu.txt">The café’s menu</a></p>\n' +
      '  </body>\n' +
      '</html>\n',
  },
  '/style.css': {
    type: 'text/css; charset=utf-8',
    body: 'body { font: 1.1em/1.5 sans-serif; margin: 3em auto; max-width: 40em }\n',
  },
  '/café menu.txt': {
    type: 'text/plain; charset=utf-8',
    body: 'Espresso 1.80 €\nCappuccino 2.60 €\n',
  },
  '/icon.png': {
    type: 'image/png',
    // A red pixel.
    base64:
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  },
};

// The bytes of a file, or undefined if there is none of that name.
function readFile(path) {
  if (!Object.prototype.hasOwnProperty.call(FILES, path)) return undefined;
  var file = FILES[path];
  var bytes;
  if (file.base64) {
    var binary = atob(file.base64);
    bytes = new Uint8Array(binary.length);
    for (var i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  } else {
    bytes = new TextEncoder().encode(file.body);
  }
  return { type: file.type, bytes: bytes };
}
