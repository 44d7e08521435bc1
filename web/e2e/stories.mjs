/** What people do. Each story has a page of its own. */
const rows = (page) => page.locator('[data-finding]');
const total = async (page) => Number((await page.locator('header [role=status]').innerText()).replace(/\D/g, ''));

async function open(page, base, path = '/findings') {
  await page.goto(base + path);
  await rows(page).first().waitFor();
}

export const stories = {
  'a facet filters, its count is what is then listed, and the address says so': async ({ page, base, assert }) => {
    await open(page, base);
    const facet = page.getByLabel('Filter').getByRole('button', { name: /^Medium/ });
    const said = Number((await facet.innerText()).replace(/\D/g, ''));
    await facet.click();
    await page.waitForFunction((n) => document.querySelector('header [role=status]')?.textContent?.replace(/\D/g, '') === String(n), said);
    assert.match(page.url(), /severity:medium/);
    await page.reload();
    await rows(page).first().waitFor();
    assert.equal(await total(page), said);
    await page.goBack();
    await page.waitForFunction((n) => document.querySelector('header [role=status]')?.textContent?.replace(/\D/g, '') !== String(n), said);
  },

  'alt-click leaves a value out': async ({ page, base, assert }) => {
    await open(page, base);
    const before = await total(page);
    const facet = page.getByLabel('Filter').getByRole('button', { name: /^Low/ });
    const said = Number((await facet.innerText()).replace(/\D/g, ''));
    await facet.click({ modifiers: ['Alt'] });
    await page.waitForFunction((n) => document.querySelector('header [role=status]')?.textContent?.replace(/\D/g, '') === String(n), before - said);
    assert.match(page.url(), /-severity:low/);
  },

  'the search completes keys and values by keyboard': async ({ page, base, assert }) => {
    await open(page, base);
    await page.keyboard.press('/');
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('sev', { delay: 30 });
    await page.getByRole('option', { name: /^severity:/ }).waitFor();
    await page.waitForTimeout(250);
    await page.keyboard.press('Tab');
    await page.keyboard.type('hi', { delay: 30 });
    await page.getByRole('option', { name: /^high/ }).waitFor();
    await page.waitForTimeout(250);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => location.search.includes('severity:high'));
    assert.equal((await page.locator('#findings-search').inputValue()).trim(), 'severity:high');
  },

  'keys go through the findings, open one and close it': async ({ page, base, assert }) => {
    await open(page, base);
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    const panel = page.getByRole('complementary', { name: 'Finding' });
    await panel.getByRole('heading', { level: 2 }).waitFor();
    const first = await panel.getByRole('heading', { level: 2 }).innerText();
    const id = new URL(page.url()).searchParams.get('finding');
    assert.ok(id);
    await page.keyboard.press('j');
    await page.waitForFunction((was) => new URL(location.href).searchParams.get('finding') !== was, id);
    await page.keyboard.press('k');
    await page.waitForFunction((was) => new URL(location.href).searchParams.get('finding') === was, id);
    await panel.getByRole('heading', { level: 2, name: first }).waitFor();
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'detached' });
  },

  'a finding is muted with a reason, found under its status, and the mute is undone': async ({ page, base, assert }) => {
    await open(page, base);
    const before = await total(page);
    await rows(page).first().click();
    await page.keyboard.press('m');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('False positive').click();
    await dialog.getByRole('textbox').fill('Checked by hand.');
    await dialog.getByRole('button', { name: 'Mute', exact: true }).click();
    await page.getByText('Muted 1 finding').waitFor();
    await page.waitForFunction((n) => document.querySelector('header [role=status]')?.textContent?.replace(/\D/g, '') === String(n), before - 1);
    await page.getByRole('complementary', { name: 'Finding' }).getByText('Checked by hand.').first().waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Taken back').waitFor();
    await page.waitForFunction((n) => document.querySelector('header [role=status]')?.textContent?.replace(/\D/g, '') === String(n), before);
    assert.ok(true);
  },

  'all that match are selected, muted and opened again': async ({ page, base, assert }) => {
    await open(page, base, '/findings?q=status:open+severity:high');
    const n = await total(page);
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.getByText('1 selected').waitFor();
    await page.getByRole('button', { name: `Select all ${n} that match` }).click();
    await page.getByText(`${n} selected`).waitFor();
    await page.getByRole('toolbar').getByRole('button', { name: 'Mute', exact: true }).click();
    await page.getByRole('dialog').getByText('Risk accepted').click();
    await page.getByRole('dialog').getByRole('button', { name: 'For 30 days' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Mute', exact: true }).click();
    await page.getByText(`Muted ${n} findings`).waitFor();
    await page.getByText(/^Nothing matches/).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await rows(page).first().waitFor();
    await page.waitForFunction((want) => document.querySelector('header [role=status]')?.textContent?.replace(/\D/g, '') === String(want), n);
    assert.equal(await total(page), n);
  },

  'a list that is read already is drawn when one comes back to it': async ({ page, base }) => {
    await open(page, base);
    await page.getByLabel('Filter').getByRole('button', { name: /^Medium/ }).click();
    await page.waitForFunction(() => location.search.includes('severity:medium'));
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Go to' }).fill('findings');
    await page.keyboard.press('Enter');
    await rows(page).first().waitFor();
  },

  'hostile text is shown and does nothing': async ({ page, base, assert, fixtures }) => {
    if (!fixtures) return; // a server has none of it unless somebody scanned it
    await page.route('**/api/findings?*', async (route) => {
      const answer = await (await route.fetch()).json();
      answer.items[0].message = '<img src=x onerror=alert(1)> \u202Egnp.exe ${7*7} {{7*7}}';
      answer.items[0].repository.name = '"><script>alert(2)</script>';
      await route.fulfill({ json: answer });
    });
    await page.route(/\/api\/findings\/\w+$/, async (route) => {
      const answer = await (await route.fetch()).json();
      await route.fulfill({ json: { ...answer, why: '<script>alert(3)</script> [press](javascript:alert(4)) [data](data:text/html,x)\n\n<img src=x onerror=alert(5)>', message: '<b>bold</b>' } });
    });
    let alerts = 0;
    page.on('dialog', (d) => (alerts++, void d.dismiss()));
    await open(page, base);
    await page.getByText('<img src=x onerror=alert(1)> ‹U+202E›gnp.exe').first().waitFor();
    await rows(page).first().click();
    await page.getByText('<b>bold</b>').first().waitFor();
    await page.getByText('[press](javascript:alert(4))').waitFor();
    assert.equal(await page.locator('main img, main script, main a[href^="javascript"], main a[href^="data"]').count(), 0);
    assert.equal(alerts, 0);
  },

  'a fix is read as a difference with its proof': async ({ page, base, accessible }) => {
    await open(page, base, '/findings?q=status:open+has:fix');
    await rows(page).first().click();
    await page.getByRole('tab', { name: /Remediation/ }).click();
    await page.getByText(/Proof:/).first().waitFor();
    await page.locator('figure :is([data-kind=came], [data-kind=gone])').first().waitFor();
    await accessible(page, 'the remediation');
    await page.getByRole('tab', { name: 'Event' }).click();
    await page.getByLabel('Event as JSON').waitFor();
    await accessible(page, 'the event');
  },

  'groups open, and their findings with them': async ({ page, base, accessible }) => {
    await page.goto(base + '/findings?group=rule');
    await page.locator('[aria-expanded=false]').last().waitFor();
    await page.locator('[role=grid] [aria-expanded]').first().click();
    await rows(page).first().waitFor();
    await accessible(page, 'the grouped list');
    await rows(page).first().click();
    await page.getByRole('complementary', { name: 'Finding' }).getByText('Why it matters').waitFor();
    await accessible(page, 'the side panel');
  },

  'a view is saved, shown and removed': async ({ page, base, assert }) => {
    await open(page, base, '/findings?q=severity:high');
    const name = `View ${Date.now()}`;
    await page.getByRole('button', { name: 'Views' }).click();
    await page.getByLabel('Name of the view').fill(name);
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText(`Saved “${name}”`).waitFor();
    await page.goto(base + '/findings');
    await rows(page).first().waitFor();
    await page.locator('header').getByRole('button', { name: 'Views' }).click();
    await page.getByRole('menuitem', { name }).click();
    await page.waitForFunction(() => location.search.includes('severity:high'));
    await page.getByRole('button', { name, exact: true }).click();
    await page.getByRole('button', { name: `Remove ${name}` }).click();
    await page.getByText(`Removed “${name}”`).waitFor();
    assert.ok(true);
  },

  'the palette goes anywhere': async ({ page, base, accessible }) => {
    await open(page, base);
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Go to' }).waitFor();
    await accessible(page, 'the palette');
    await page.keyboard.type('findings that');
    await page.keyboard.press('Escape');
    await page.getByRole('combobox', { name: 'Go to' }).waitFor({ state: 'detached' });
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('Next finding').waitFor();
    await accessible(page, 'the help');
  },

  'dark and light are chosen and stay': async ({ page, base, assert }) => {
    await open(page, base);
    await page.getByRole('button', { name: 'Light or dark' }).click();
    await page.getByRole('menuitem', { name: 'Dark' }).click();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.mantineColorScheme), 'dark');
    await page.reload();
    await rows(page).first().waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.mantineColorScheme), 'dark');
  },

  'the list is endless and keeps its place': async ({ page, base, assert }) => {
    await open(page, base, '/findings?q=*');
    const n = await total(page);
    if (n < 150) return;
    const grid = page.getByRole('grid', { name: 'Findings' });
    for (let i = 0; i < 60; i++) {
      await grid.evaluate((e) => e.scrollBy(0, 3000));
      await page.waitForTimeout(60);
    }
    const height = await grid.evaluate((e) => e.scrollHeight);
    assert.ok(height >= n * 52, `only ${Math.round(height / 52)} of ${n} rows were read`);
    assert.ok((await rows(page).count()) < 80, 'everything is drawn, not only what is in sight');
  },
};
