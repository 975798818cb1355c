// What can happen to a single tab, done by the browser's debugger.

/** Ends the process of a page, as a crash does. The page is of no use afterwards. */
export async function crash(board, errors) {
  errors.expect(/the page crashed/);
  const debugged = await board.page.context().newCDPSession(board.page);
  const crashed = board.page.waitForEvent('crash');
  // No answer comes from a page that is gone.
  debugged.send('Page.crash').catch(() => {});
  await crashed;
}

/** Stops a page in the middle of what it does; answers what lets it go on. */
export async function silence(board) {
  const debugged = await board.page.context().newCDPSession(board.page);
  await debugged.send('Debugger.enable');
  const paused = new Promise((resolve) => { debugged.once('Debugger.paused', resolve); });
  await debugged.send('Debugger.pause');
  // It stops at its next step: here is one.
  let hasAnswered = false;
  const step = board.page.evaluate(() => {}).then(() => { hasAnswered = true; });
  await paused;
  if (hasAnswered) throw new Error('the page is not silent');
  return async () => {
    await debugged.send('Debugger.resume');
    await step;
    await debugged.send('Debugger.disable');
  };
}

/** Counts the sockets that a page has open; to be called before the page opens any. */
export function sockets(page) {
  const open = new Set();
  page.on('websocket', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  return open;
}
