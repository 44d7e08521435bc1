// Takes docs/screenshots/*.png of every page that there is: light, and some dark and on a phone. node scripts/screenshots.mjs [name …] takes only those.
import { mkdirSync } from 'node:fs';
import { withBrowser } from './browser.mjs';

const out = process.env.OUT ?? new URL('../../docs/screenshots/', import.meta.url).pathname;
mkdirSync(out, { recursive: true });

const desk = { width: 1440, height: 900 };
const phone = { width: 390, height: 844 };

/** What is taken: name of the file, address, and what is done before. */
const shots = [
  ['findings', '/findings', {}],
  ['findings-dark', '/findings', { dark: true }],
  ['findings-phone', '/findings', { size: phone }],
  ['finding', '/findings', { open: true }],
  ['finding-dark', '/findings', { open: true, dark: true }],
  ['finding-fix', '/findings?q=status:open+has:fix', { open: true, tab: 'Remediation' }],
  ['finding-phone', '/findings', { open: true, size: phone }],
  ['findings-grouped', '/findings?group=rule', {}],
  ['findings-search', '/findings', { do: async (page) => { await page.locator('#findings-search').fill('status:open severity:'); await page.waitForTimeout(500); } }],
  ['findings-mute', '/findings', { do: async (page) => { await page.locator('[role=row] input[type=checkbox]').nth(1).click(); await page.locator('[role=row] input[type=checkbox]').nth(3).click(); await page.getByRole('toolbar').getByRole('button', { name: 'Mute', exact: true }).click(); await page.waitForTimeout(400); } }],
  ['palette', '/findings', { do: async (page) => { await page.keyboard.press('Control+k'); await page.waitForTimeout(300); await page.keyboard.type('pay'); await page.waitForTimeout(600); } }],
  ['keys', '/findings', { do: async (page) => { await page.keyboard.press('?'); await page.waitForTimeout(400); } }],
  ...['overview', 'repositories', 'resources', 'graph', 'rules', 'compliance', 'jobs', 'audit', 'settings'].map((name) => [name, `/${name}`, {}]),
  ['repository', '/repositories', { do: (page) => first(page, 'main tbody a', 'main h1') }],
  ['code', '/graph?reach=1', { do: async (page) => { await page.locator('.react-flow__node-box').first().click(); await page.locator('main figure pre').waitFor(); await page.getByRole('link', { name: /:\d+$/ }).first().click(); await page.locator('[data-marked]').waitFor(); await page.waitForTimeout(400); } }],
  ['graph-dark', '/graph', { dark: true }],
  ['graph-reach', '/graph?reach=1', { do: async (page) => { await page.locator('.react-flow__node-box').first().click(); await page.locator('main figure pre').waitFor(); await page.waitForTimeout(400); } }],
  ['rule', '/rules', { do: (page) => first(page, 'main tbody a', 'figure pre') }],
  ['decide', '/rules', { do: async (page) => { await first(page, 'main tbody a', 'figure pre'); await page.getByRole('button', { name: 'Decide about this rule' }).click(); await page.waitForTimeout(1200); } }],
  ['framework', '/compliance', { do: (page) => first(page, 'main tbody a[href*="cis-aws"]', 'main li button') }],
  ['overview-dark', '/overview', { dark: true }],
  ['overview-phone', '/overview', { size: phone }],
];

/** Goes to the first of some links, and waits for what is there. */
async function first(page, link, there) {
  await page.locator(link).first().click();
  await page.waitForSelector(there);
  await page.waitForTimeout(700);
}

const wanted = process.argv.slice(2);
await withBrowser(async ({ base, context }) => {
  for (const [name, path, how] of shots) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const c = await context({ viewport: how.size ?? desk, colorScheme: how.dark ? 'dark' : 'light', deviceScaleFactor: 1, hasTouch: how.size === phone });
    const page = await c.newPage();
    page.on('console', (m) => m.type() === 'error' && console.log(`${name}: ${m.text()}`));
    page.on('pageerror', (e) => console.log(`${name}: ${e.message}`));
    await page.goto(base + path);
    // Only what is there is taken: a page that nobody wrote is none.
    await page.waitForSelector('main h1, main h2', { timeout: 15_000 });
    await page.waitForTimeout(700);
    if (await page.getByText('There is no such page').isVisible().catch(() => false)) {
      await c.close();
      continue;
    }
    try {
      if (how.open) {
        await page.locator('[data-finding]').nth(2).click();
        await page.waitForTimeout(700);
      }
      if (how.tab) {
        await page.getByRole('tab', { name: how.tab }).click();
        await page.waitForTimeout(300);
      }
      await how.do?.(page);
      await page.screenshot({ path: `${out}/${name}.png` });
      console.log(`${name}.png`);
    } catch (e) {
      console.log(`${name}: ${e.message.split('\n')[0]}`);
    }
    await c.close();
  }
});
