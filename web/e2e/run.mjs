// The interface in a real browser: what people do, with the keyboard too; every page by axe in light, dark and on a phone; not one
// message of the policy. Against fixtures, or a server (PLUMBLINE and SIGN_IN, see scripts/browser.mjs). node e2e/run.mjs [part of a name …]
import { AxeBuilder } from '@axe-core/playwright';
import assert from 'node:assert/strict';
import { withBrowser } from '../scripts/browser.mjs';
import { stories } from './stories.mjs';

const desk = { width: 1440, height: 900 };
const phone = { width: 390, height: 844 };
const wanted = process.argv.slice(2);

/** Fails with what axe found, named so that it can be mended. */
export async function accessible(page, what) {
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
  const said = violations.flatMap((v) => v.nodes.slice(0, 3).map((n) => `${v.id}: ${n.target.join(' ')} ${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? v.help}`));
  assert.deepEqual(said, [], `${what} is not accessible`);
}

/** Pages that are reached from others, of what the server has: address, and what is there once the page is. */
async function details(context, base) {
  const c = await context();
  const page = await c.newPage();
  await page.goto(`${base}/settings`);
  await page.waitForSelector('main h1');
  const [repository, rule, finding, node] = await page.evaluate(async () => {
    const ask = async (path) => (await fetch(path)).json();
    const repository = (await ask('/api/repositories?sort=risk&limit=1')).items[0].id;
    const file = (await ask(`/api/resources?repository=${repository}&limit=1`)).items[0];
    return [{ id: repository, file }, (await ask('/api/rules?sort=open&limit=1')).items[0].id, (await ask('/api/findings?q=has:fix+status:open&limit=1')).items[0].id, (await ask('/api/graph')).nodes.find((n) => n.exposed)?.id];
  });
  await c.close();
  const at = `/repositories/${repository.id}`;
  return [
    [at, '[aria-label="Branches"] tbody tr'],
    [`${at}?tab=commits`, '[aria-label="Commits"] tbody tr'],
    [`${at}?tab=coverage`],
    [`${at}?tab=settings`],
    [`${at}?tab=code&file=${encodeURIComponent(repository.file.file)}&line=${repository.file.line}`, '[data-marked]'],
    [`/rules/${rule}`, 'figure pre'],
    ['/compliance/cis-aws-3.0.0?status=fail', 'main li button'],
    [`/findings?finding=${finding}`, '[role=tabpanel] figure'],
    [`/findings?finding=${finding}&tab=remediation`, '[role=tabpanel] figure'],
    [`/findings?finding=${finding}&tab=event`, '[role=tabpanel] pre'],
    ['/graph', '[data-placed]'],
    [`/graph?node=${node}`, 'main figure pre'],
    ['/graph?as=list', '[aria-label="Resources of the graph"] tbody tr'],
  ];
}

let failed = 0;
let ran = 0;
await withBrowser(async ({ base, context, fixtures }) => {
  async function one(name, options, story) {
    if (wanted.length > 0 && !wanted.some((w) => name.includes(w))) return;
    ran++;
    const c = await context({ viewport: desk, ...options });
    await c.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: base });
    const page = await c.newPage();
    page.setDefaultTimeout(10_000);
    const complaints = [];
    page.on('pageerror', (e) => complaints.push(e.message));
    page.on('console', (m) => m.type() === 'error' && complaints.push(m.text()));
    page.on('request', (r) => !r.url().startsWith(base) && !r.url().startsWith('data:') && !r.url().startsWith('blob:') && complaints.push(`asked for ${r.url()}`));
    const from = Date.now();
    try {
      await story({ page, base, accessible, assert, fixtures });
      assert.deepEqual(complaints, [], 'the browser complained');
      console.log(`ok    ${name} (${Date.now() - from} ms)`);
    } catch (e) {
      failed++;
      console.log(`FAIL  ${name}\n      ${String(e.message).split('\n').slice(0, 14).join('\n      ')}`);
    }
    await c.close();
  }

  for (const [name, story] of Object.entries(stories)) await one(name, {}, story);

  const first = await context({ viewport: desk });
  const page = await first.newPage();
  await page.goto(`${base}/findings`);
  await page.waitForSelector('nav a');
  const paths = [...new Set(await page.locator('nav a').evaluateAll((links) => links.map((a) => a.getAttribute('href'))))];
  await first.close();
  // Fixtures answer what the explorer asks, and no other page.
  for (const [path, settled] of fixtures ? [['/findings']] : [...paths.map((p) => [p]), ...(await details(context, base))]) {
    for (const [how, options] of [
      ['light', { colorScheme: 'light' }],
      ['dark', { colorScheme: 'dark' }],
      ['phone', { viewport: phone, hasTouch: true }],
      // Pages that have no place in the rail are many: dark and narrow at once.
      ['dark phone', { colorScheme: 'dark', viewport: phone, hasTouch: true }],
    ].filter(([how]) => paths.includes(path) ? how !== 'dark phone' : how.startsWith('light') || how === 'dark phone')) {
      await one(`page ${path} ${how}`, options, async ({ page }) => {
        await page.goto(base + path);
        await page.waitForSelector(settled ?? 'main h1');
        await page.waitForTimeout(400);
        await accessible(page, path);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(over <= 0, `${path} is ${over} pixels wider than the window`);
      });
    }
  }
});
console.log(`${ran - failed} of ${ran} passed`);
process.exit(failed > 0 || ran === 0 ? 1 : 0);
