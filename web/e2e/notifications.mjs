// Telling a receiver of what happens, in a real browser before a running server: node e2e/notifications.mjs, with PLUMBLINE and SIGN_IN as
// scripts/browser.mjs wants them, and RECEIVER: host:port of this machine that the server may reach (--outbound-hosts). It leaves no
// channel behind. SHOTS=FOLDER keeps pictures.
import { AxeBuilder } from '@axe-core/playwright';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { withBrowser } from '../scripts/browser.mjs';

const receiver = process.env.RECEIVER;
assert.ok(receiver, 'RECEIVER is host:port of this machine that the server may reach');
const [host, port] = receiver.split(':');
const got = [];
let answer = 204;
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (part) => (body += part));
  request.on('end', () => {
    got.push({ headers: request.headers, body });
    response.writeHead(answer).end();
  });
});
await new Promise((then) => server.listen(Number(port), host, then));

await withBrowser(async ({ base, context }) => {
  const c = await context({ viewport: { width: 1440, height: 900 } });
  const page = await c.newPage();
  page.setDefaultTimeout(20_000);
  const complaints = [];
  page.on('pageerror', (e) => complaints.push(e.message));
  page.on('console', (m) => m.type() === 'error' && !m.text().includes('422') && complaints.push(m.text()));
  const shot = async (name) => process.env.SHOTS && page.screenshot({ path: `${process.env.SHOTS}/${name}.png` });
  async function accessible(what) {
    const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
    assert.deepEqual(violations.flatMap((v) => v.nodes.slice(0, 3).map((n) => `${v.id}: ${n.target.join(' ')} ${n.any[0]?.message ?? v.help}`)), [], `${what} is not accessible`);
  }
  const dialog = page.getByRole('dialog');
  const row = page.getByRole('row', { name: /on-call/ });

  await page.goto(`${base}/settings?tab=notifications`);
  await page.getByText('Nobody is told of anything yet').waitFor();
  await shot('notifications-empty');
  await page.getByRole('button', { name: 'Add a channel' }).click();
  await dialog.getByLabel('Kind').selectOption('webhook');
  await dialog.getByRole('textbox', { name: 'Name' }).fill('on-call');
  await dialog.getByLabel('Only findings that fit').fill('severity:>=higher');
  await dialog.getByRole('alert').waitFor();
  await dialog.getByLabel('Only findings that fit').fill('severity:>=high');
  await dialog.getByText(/open findings? fit now|open finding/).waitFor();
  await dialog.getByRole('textbox', { name: 'Address' }).fill('http://169.254.169.254/latest/meta-data');
  await accessible('the dialog');
  await shot('notifications-add');
  await dialog.getByRole('button', { name: 'Add it' }).click();
  await page.getByText(/The channel cannot lead there/).first().waitFor();
  await dialog.getByRole('textbox', { name: 'Address' }).fill(`http://${receiver}/hooks/plumbline?key=canary`);
  await dialog.getByRole('button', { name: 'Add it' }).click();
  const secret = await dialog.getByLabel('Secret', { exact: true }).textContent();
  assert.match(secret, /^whsec_/);
  await dialog.getByRole('button', { name: 'I have kept it' }).click();
  await row.waitFor();
  assert.ok(!(await page.content()).includes('canary'), 'the address is shown');

  await row.getByRole('button', { name: 'Send a test' }).click();
  await dialog.getByText('Arrived (204)').waitFor();
  await shot('notifications-messages');
  const { headers, body } = got.find((g) => g.body.includes('"happening":"test"')) ?? assert.fail('no test arrived');
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const want = createHmac('sha256', key).update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`).digest('base64');
  assert.equal(headers['webhook-signature'], `v1,${want}`);
  await page.keyboard.press('Escape');

  answer = 500;
  await row.getByRole('button', { name: 'Send a test' }).click();
  await dialog.getByText('It answered with 500').waitFor();
  await accessible('the messages');
  await page.keyboard.press('Escape');
  await row.getByText('It answered with 500').waitFor();
  await accessible('the page');
  await shot('notifications');

  await row.getByRole('button', { name: 'More about on-call' }).click();
  await page.getByRole('menuitem', { name: 'Pause' }).click();
  await row.getByText('Paused').waitFor();
  await page.reload();
  await row.getByText('Paused').waitFor();
  for (const [name, scheme, size] of [['notifications-dark', 'dark', { width: 1440, height: 900 }], ['notifications-phone', 'light', { width: 390, height: 844 }]]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize(size);
    await page.waitForTimeout(300);
    await accessible(name);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(over <= 0, `${name} is ${over} pixels wider than the window`);
    await shot(name);
  }
  await page.getByRole('button', { name: 'Add a channel' }).click();
  await page.waitForTimeout(400);
  await shot('notifications-add-phone');
  await page.keyboard.press('Escape');
  await page.setViewportSize({ width: 1440, height: 900 });
  await row.getByRole('button', { name: 'More about on-call' }).click();
  await page.getByRole('menuitem', { name: 'Remove' }).click();
  await page.getByText('Nobody is told of anything yet').waitFor();
  assert.deepEqual(complaints, [], 'the browser complained');
  console.log('ok    a channel is added, tried, fails, is paused and removed');
});
server.close();
