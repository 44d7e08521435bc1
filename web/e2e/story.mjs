// What a new user does on the first day, in a real browser on a running server: node e2e/story.mjs, with PLUMBLINE and SIGN_IN as
// scripts/browser.mjs wants them, and CONNECT: the address of a repository that is not connected yet and has two branches.
import assert from 'node:assert/strict';
import { withBrowser } from '../scripts/browser.mjs';

const connect = process.env.CONNECT;
assert.ok(connect, 'CONNECT names the repository to add');

await withBrowser(async ({ base, context }) => {
  const page = await (await context({ viewport: { width: 1440, height: 900 } })).newPage();
  page.setDefaultTimeout(60_000);
  const complaints = [];
  page.on('pageerror', (e) => complaints.push(e.message));
  page.on('console', (m) => m.type() === 'error' && complaints.push(m.text()));
  const finding = page.locator('[data-finding]');
  const panel = page.getByRole('complementary', { name: 'Finding' });
  async function step(what, does) {
    const from = Date.now();
    await does();
    console.log(`ok    ${what} (${Date.now() - from} ms)`);
  }

  await step('findings are on screen within a minute', async () => {
    await page.goto(`${base}/findings`);
    for (let tries = 0; (await finding.count()) === 0 && tries < 60; tries++) {
      await page.waitForTimeout(1000);
      await page.reload();
      await page.getByRole('heading', { level: 1 }).waitFor();
    }
    await finding.first().waitFor();
  });

  await step('one is muted as a false positive, and found again under its status', async () => {
    await finding.first().click();
    const title = await panel.getByRole('heading', { level: 2 }).innerText();
    await page.keyboard.press('m');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('False positive').click();
    await dialog.getByRole('textbox').fill('The console is behind a tunnel.');
    await dialog.getByRole('button', { name: 'Mute', exact: true }).click();
    await page.getByText('Muted 1 finding').waitFor();
    await page.goto(`${base}/findings?q=status:muted`);
    await finding.first().click();
    await panel.getByText('The console is behind a tunnel.').first().waitFor();
    assert.equal(await panel.getByRole('heading', { level: 2 }).innerText(), title);
  });

  await step('a proved fix is read as a diff', async () => {
    await page.goto(`${base}/findings?q=status:open+has:fix`);
    await finding.first().click();
    await page.getByRole('tab', { name: /Remediation/ }).click();
    await page.getByText(/Proof:/).first().waitFor();
    await page.locator('figure :is([data-kind=came], [data-kind=gone])').first().waitFor(); // some fixes only take lines away
  });

  await step('the compliance report says which controls fail, and why', async () => {
    await page.goto(`${base}/compliance`);
    await page.getByText('CIS AWS Foundations Benchmark').click();
    await page.waitForURL(/compliance\/cis-aws/);
    await page.getByText('Fail').first().waitFor();
  });

  await step('a repository is added by address, and its branches are scanned', async () => {
    await page.goto(`${base}/repositories?add=1`);
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Address').fill(connect);
    await dialog.getByRole('button', { name: 'Connect and scan' }).click();
    await page.waitForURL(/repositories\/\w+/);
    await page.goto(`${page.url().split('?')[0]}?tab=branches`);
    const branches = page.getByRole('region', { name: 'Branches' }).locator('tbody tr');
    // The page fills itself while the scan goes on: nobody reloads.
    for (let tries = 0; tries < 240; tries++) {
      if ((await branches.count()) >= 2 && (await page.getByText('Not scanned yet').count()) === 0) break;
      await page.waitForTimeout(250);
    }
    assert.ok((await branches.count()) >= 2, 'its branches are there');
    assert.equal(await page.getByText('Not scanned yet').count(), 0, 'all of them are scanned');
  });

  assert.deepEqual(complaints, [], 'the browser complained');
});
