const MAX_LINE = 1000;

/** Yields the lines that a socket receives; one that is too long ends the talk. */
export async function* linesOf(socket) {
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const chunk = await socket.read();
    // One empty chunk is the end.
    if (chunk.byteLength === 0) return;
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split('\n');
    text = lines.pop();
    for (const line of lines) yield line.trim();
    if (text.length > MAX_LINE) throw new Error('a line is too long');
  }
}

export function say(socket, line) {
  return socket.write(new TextEncoder().encode(`${line}\n`));
}
