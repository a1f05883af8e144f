// Looks for a room on port 7010, and asks for the permission to enter. Says hello, and answers every "hello".
const PORT = 7010;
const PERMISSION = { permissions: [`tcp-connect:localhost:${PORT}`] };

function say(socket, line) {
  return socket.write(new TextEncoder().encode(`${line}\n`));
}

/** What there is to say to a line of somebody else's. */
function answerTo(line) {
  const [, name] = /^(.+?): .*\bhello\b/i.exec(line) ?? [];
  return name === undefined ? undefined : `good to meet you, ${name}`;
}

async function listen(socket) {
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const chunk = await socket.read();
    if (chunk.byteLength === 0) return;
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split('\n');
    text = lines.pop();
    for (const line of lines) {
      console.log(line);
      const answer = answerTo(line);
      if (answer !== undefined) await say(socket, answer);
    }
  }
}

async function visit() {
  if (!(await browser.permissions.request(PERMISSION))) {
    console.warn('I may not enter the room, so I stay at home');
    return;
  }
  const socket = await browser.TCPSocket.connect({ host: 'localhost', port: PORT });
  try {
    await socket.opened;
  } catch (error) {
    console.error(`there is no room on port ${PORT} (${error.message}); start examples/chat-room first`);
    return;
  }
  await say(socket, 'Visitor');
  await say(socket, 'hello everybody');
  await listen(socket);
  console.log('the room is closed');
}

visit();
