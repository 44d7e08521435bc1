// Chromium and something to look at: a server that is running (PLUMBLINE=http://localhost:…, SIGN_IN=its one-time link), or the built
// interface over fixtures. With BUILT=1 the interface of dist stands before the server, under the policy of vite.config.ts.
import { chromium } from 'playwright-core';
import { preview } from 'vite';
import { existsSync } from 'node:fs';

/** Starts both and calls use({ browser, base, context }); context(options) opens a browser context that is signed in. Closes everything after. */
export async function withBrowser(use) {
  const executablePath = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
  if (!executablePath) throw new Error('no Chromium: install it, or say where it is in CHROMIUM');
  let base = process.env.PLUMBLINE;
  let server;
  const fixtures = !base;
  if (fixtures || process.env.BUILT) {
    server = await preview({ mode: fixtures ? 'fixtures' : 'production', root: new URL('..', import.meta.url).pathname, preview: { port: 0, host: 'localhost' }, logLevel: 'error' });
    base = `http://localhost:${server.httpServer.address().port}`;
  }
  const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
  // A one-time link works once: STATE is a file that keeps the session for the next run.
  const file = process.env.STATE;
  let state = file && existsSync(file) ? file : undefined;
  const context = async (options = {}) => {
    if (process.env.SIGN_IN && !state) {
      const first = await browser.newContext();
      const page = await first.newPage();
      await page.goto(process.env.SIGN_IN);
      await page.getByRole('button', { name: /^Sign in/ }).click();
      await page.waitForURL((url) => !url.pathname.startsWith('/signin'));
      state = await first.storageState({ path: file });
      await first.close();
    }
    return browser.newContext({ storageState: state, reducedMotion: 'reduce', locale: 'en-GB', ...options });
  };
  try {
    return await use({ browser, base, context, fixtures });
  } finally {
    await browser.close();
    await server?.close();
  }
}
