// Signing in, in a real browser with an authenticator of its own: a link, a passkey made and used, a password with the code of an
// app, an invitation, a token that is shown once. Against a server whose first link is given: SIGN_IN=http://…/signin?ticket=… node
// e2e/people.mjs. It leaves a passkey, a password, a token and a person behind.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { chromium } from 'playwright-core';

const link = process.env.SIGN_IN ?? process.argv[2];
assert.ok(link, 'SIGN_IN is the link that plumbline serve prints');
const origin = new URL(link).origin;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const context = await browser.newContext();
const page = await context.newPage();
page.setDefaultTimeout(20_000);
const complaints = [];
page.on('pageerror', (e) => complaints.push(e.message));
page.on('console', (m) => m.type() === 'error' && !m.text().includes('401') && complaints.push(m.text()));

const devtools = await context.newCDPSession(page);
await devtools.send('WebAuthn.enable');
await devtools.send('WebAuthn.addVirtualAuthenticator', {
  options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
});

/** The code of an app, by RFC 6238. */
function codeOf(secret, step) {
  const bits = [...secret].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const at = Buffer.alloc(8);
  at.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', key).update(at).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
const step = () => Math.floor(Date.now() / 30_000);
const signedIn = () => page.waitForURL((u) => !u.pathname.startsWith('/signin'));
const signOut = () => page.evaluate(() => fetch('/api/session', { method: 'DELETE' }));
const method = async () => (await page.evaluate(() => fetch('/api/sessions').then((r) => r.json()))).items.find((s) => s.current).method;

// A link, once.
await page.goto(link);
await page.getByRole('button', { name: 'Sign in with this link' }).click();
await signedIn();
assert.equal(await method(), 'link');

// A passkey.
await page.goto(`${origin}/settings`);
await page.getByRole('button', { name: 'Add a passkey' }).click();
await page.getByLabel('Name').fill('laptop');
await page.getByRole('button', { name: 'Add', exact: true }).click();
await page.getByRole('cell', { name: 'laptop' }).waitFor();

// A password with an app.
await page.getByRole('button', { name: 'Set a password' }).click();
const secret = await page.getByLabel('Secret of the app', { exact: true }).textContent();
const used = step();
await page.getByLabel('Code that the app shows').fill(codeOf(secret, used));
await page.getByRole('textbox', { name: 'Password' }).fill('correct horse battery staple');
await page.getByRole('button', { name: 'Set the password' }).click();
await page.getByText('Keep these recovery codes').waitFor();
await page.getByRole('button', { name: 'I have kept them' }).click();

// A token, shown once.
await page.goto(`${origin}/settings?tab=tokens`);
await page.getByRole('button', { name: 'Make a token' }).click();
await page.getByLabel('Name').fill('ci');
await page.getByLabel(/^Read findings/).check();
await page.getByRole('button', { name: 'Make it' }).click();
const token = await page.getByLabel('Token', { exact: true }).textContent();
assert.match(token, /^plb_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/);
await page.reload();
assert.equal((await page.content()).includes(token), false, 'the token is shown a second time');

// An invitation.
await page.goto(`${origin}/settings?tab=people`);
await page.getByRole('button', { name: 'Invite somebody' }).click();
await page.getByLabel('Address of mail').fill('grace@example.org');
await page.getByRole('button', { name: 'Invite', exact: true }).click();
const invitation = await page.getByLabel('One-time link').textContent();
const other = await (await browser.newContext()).newPage();
await other.goto(invitation);
await other.getByRole('button', { name: 'Sign in with this link' }).click();
await other.waitForURL((u) => !u.pathname.startsWith('/signin'));
await other.goto(`${origin}/settings`);
await other.getByRole('tab', { name: 'Account' }).waitFor();
assert.equal(await other.getByRole('tab', { name: 'Organisation' }).count(), 0, 'a viewer is shown what only administrators may');

// Out, back by the passkey to where one wanted to go, out, back by the password.
await signOut();
await page.goto(`${origin}/settings?tab=teams`);
await page.waitForURL(/\/signin/);
await page.getByRole('button', { name: 'Use a passkey' }).click();
await signedIn();
assert.match(page.url(), /\/settings\?tab=teams$/);
assert.equal(await method(), 'passkey');
await signOut();
await page.goto(`${origin}/signin?next=//evil.example`);
await page.getByRole('button', { name: 'Use a password' }).click();
await page.getByLabel('Address of mail').fill('administrator@localhost');
await page.getByRole('textbox', { name: 'Password' }).fill('correct horse battery staple');
while (step() <= used) await new Promise((then) => setTimeout(then, 500)); // a code works once
await page.getByLabel('Code of the app').fill(codeOf(secret, step()));
await page.getByRole('button', { name: 'Sign in', exact: true }).click();
await signedIn();
assert.equal(new URL(page.url()).origin, origin);
assert.equal(await method(), 'password');
assert.deepEqual(complaints, []);
console.log('ok    link, passkey, password, token, invitation');
await browser.close();
