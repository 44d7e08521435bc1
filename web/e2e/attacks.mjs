// Texts of strangers in every place that takes one, and every page that shows them, in a real browser: nothing runs, nothing becomes
// an element, nothing turns the direction of writing. Against a server: PLUMBLINE, SIGN_IN, and FOLDER, a folder that it was
// started with as --allow-file. node e2e/attacks.mjs
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withBrowser } from '../scripts/browser.mjs';

const folder = process.env.FOLDER;
assert.ok(folder, 'FOLDER is a folder whose repositories may be connected');

// What strangers write. Each would leave an element with data-attack, an alert, window.attacked, or 49 where it worked.
const image = '<img src=x onerror=window.attacked=1;alert(1) data-attack>';
const script = `"'><script data-attack>window.attacked=2;alert(2)</script>`;
const drawing = '<svg/onload=alert(3) data-attack>';
const template = 'T{{7*7}}T${7*7}T<%=7*7%>T#{7*7}T';
const turned = 'a\u202Egnp.exe\u2066b\u200Bc';
const press = '[press](javascript:window.attacked=3) [data](data:text/html,<script>alert(4)</script>) ![x](https://evil.example/x.png) <a href="javascript:alert(5)" data-attack>x</a>';
const all = (what) => `${what} ${image} ${script} ${drawing} ${template} ${turned} ${press}`;
const short = (what) => `${what}${image}${turned}`;

/** Makes a repository in which everything that can be named is hostile. */
function hostile() {
  const dir = mkdtempSync(join(folder, 'hostile-'));
  const git = (...args) =>
    execFileSync('git', args, {
      cwd: dir,
      env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_NAME: `${script}${turned}`.replaceAll(/[<>]/g, '‹'), GIT_AUTHOR_EMAIL: 'x@y', GIT_COMMITTER_NAME: 'x', GIT_COMMITTER_EMAIL: 'x@y' },
    }).toString();
  const write = (name, text) => {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  };
  const hcl = (s) => JSON.stringify(s).replaceAll('${', () => '$${').replaceAll('%{', '%%{');
  const odd = `${image}${turned}`.replaceAll('/', '_');
  const tf = (acl) => `
# ${all('a comment')}
variable "v" {
  default = ${hcl(all('a default'))}
}
resource "aws_s3_bucket" "b" {
  bucket = ${hcl(all('bucket'))}
  tags = { ${hcl(short('key'))} = ${hcl(all('value'))}, note = var.v }
}
resource "aws_s3_bucket_acl" "b" {
  bucket = aws_s3_bucket.b.id
  acl    = "${acl}"
}
resource "aws_security_group" ${hcl(short('name'))} {
  for_each    = toset([${hcl(all('each'))}])
  description = ${hcl(all('description'))}
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}
resource "aws_instance" "i" {
  for_each                    = { ${hcl(script)} = 1 }
  ami                         = ${hcl(image)}
  associate_public_ip_address = true
  user_data                   = ${hcl(all('data'))}
}
`;
  git('init', '--quiet', '--initial-branch=main');
  write('main.tf', tf('public-read'));
  write(`${odd}/main.tf`, tf('public-read-write'));
  write(`${script.replaceAll('/', '_')}.tf`, 'resource "aws_s3_bucket" "c" {\n  bucket = "c"\n}\nresource "aws_s3_bucket_acl" "c" {\n  bucket = "c"\n  acl = "public-read"\n}\n');
  write('pods.yaml', `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${JSON.stringify(short('pod'))}\n  labels: {${JSON.stringify(image)}: ${JSON.stringify(script)}}\nspec:\n  containers:\n  - name: ${JSON.stringify(short('container'))}\n    image: ${JSON.stringify(short('image'))}\n    securityContext: {privileged: true}\n`);
  write('broken.yaml', `apiVersion: v1\nkind: Pod\nspec: *${image.replaceAll(' ', '')}\n`);
  write(`broken/${odd}.tf`, `resource "aws_s3_bucket" ${hcl(image)} {\n  bucket = ${script}\n`);
  write('excused.tf', `# plumbline:ignore aws-s3-public-acl ${all('a reason')}\nresource "aws_s3_bucket_acl" "e" {\n  bucket = "e"\n  acl    = "public-read" # plumbline:ignore ${image}\n}\n`);
  write('.github/workflows/x.yml', `name: ${JSON.stringify(all('workflow'))}\non: pull_request_target\njobs:\n  ${JSON.stringify(short('job'))}:\n    runs-on: ubuntu-latest\n    steps:\n    - name: ${JSON.stringify(all('step'))}\n      uses: actions/checkout@v1\n    - run: echo "\${{ github.event.issue.title }}" ${image}\n`);
  write('Dockerfile', `FROM ubuntu:latest\nLABEL x=${JSON.stringify(image)}\nRUN curl http://example.com/${script.replaceAll(/\s/g, '')} | sh\n`);
  git('add', '--all');
  git('commit', '--quiet', '-m', all('a subject'));
  git('branch', `${drawing.replace(' ', '/')}-${turned}`);
  write('main.tf', tf('private'));
  git('commit', '--quiet', '-am', `${image} fixes`);
  write('.plumbline.yaml', `exclude: [${JSON.stringify(short('x'))}]\n${JSON.stringify(image)}: ${JSON.stringify(script)}\n`);
  git('add', '--all');
  git('commit', '--quiet', '-m', 'settings that nobody understands');
  return dir;
}

/** A log of a tool that is as hostile. */
const log = JSON.stringify({
  version: '2.1.0',
  runs: [
    {
      tool: {
        driver: {
          name: short('Tool'),
          informationUri: 'javascript:alert(6)',
          rules: [{ id: short('R'), shortDescription: { text: all('short') }, helpUri: 'javascript:alert(7)', help: { text: all('help'), markdown: all('# help') } }],
        },
      },
      results: [image, script, 'javascript:alert(8)', 'file:///etc/passwd', `${turned}.tf`].map((uri, i) => ({
        ruleId: short('R'),
        message: { text: all(`message ${i}`), markdown: all('**message**') },
        locations: [
          {
            physicalLocation: { artifactLocation: { uri }, region: { startLine: 1, snippet: { text: all('snippet') } }, contextRegion: { startLine: 1, snippet: { text: all('snippet') } } },
            logicalLocations: [{ fullyQualifiedName: short('aws_s3_bucket.') }],
          },
        ],
        suppressions: i === 2 ? [{ kind: 'inSource', justification: all('justified') }] : [],
      })),
    },
  ],
});

/** What is wrong with the page that is shown. */
const look = () => {
  const wrong = [];
  const bad = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/;
  for (const e of document.querySelectorAll('[data-attack], script:not([src]), iframe, object, embed, img[src="x"]')) wrong.push(`an element: ${e.outerHTML.slice(0, 120)}`);
  for (const a of document.querySelectorAll('[href], [src], [action], [formaction]'))
    for (const name of ['href', 'src', 'action', 'formaction']) {
      const to = a.getAttribute(name);
      if (to && (/^\s*(javascript|vbscript|file):/i.test(to) || (/^\s*data:/i.test(to) && a.tagName !== 'IMG')|| new URL(to, 'https://here.invalid/').hostname === 'evil.example')) wrong.push(`${a.tagName} ${name}=${to.slice(0, 80)}`);
    }
  const texts = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.data;
    const by = texts.currentNode.parentElement;
    if (bad.test(text)) wrong.push(`a hidden character in ${by.tagName}.${by.className} of ${by.closest('[aria-label], h1, h2, section, td, li, form')?.tagName}: ${JSON.stringify(text.slice(0, 60))}`);
    if (/T49T/.test(text)) wrong.push(`a template ran: ${text.slice(0, 60)}`);
  }
  for (const e of document.querySelectorAll('[title], [aria-label], [placeholder], [alt]'))
    for (const name of ['title', 'aria-label', 'placeholder', 'alt']) if (bad.test(e.getAttribute(name) ?? '')) wrong.push(`a hidden character in ${e.tagName}[${name}]: ${JSON.stringify(e.getAttribute(name).slice(0, 60))}`);
  if (bad.test(document.title)) wrong.push('a hidden character in the title');
  if (window.attacked) wrong.push(`a script ran: ${window.attacked}`);
  return [...new Set(wrong)].slice(0, 12);
};

const complaints = [];
await withBrowser(async ({ base, context }) => {
  const c = await context({ viewport: { width: 1440, height: 900 } });
  const page = await c.newPage();
  page.setDefaultTimeout(15_000);
  let at = '';
  const wrong = (what) => complaints.push(`${at}: ${what}`);
  page.on('dialog', (d) => (wrong(`a dialog: ${d.message()}`), void d.dismiss()));
  page.on('pageerror', (e) => wrong(e.message));
  page.on('console', (m) => m.type() === 'error' && !/status of 4\d\d/.test(m.text()) && wrong(m.text()));
  page.on('request', (r) => !r.url().startsWith(base) && !/^(data|blob):/.test(r.url()) && wrong(`asked for ${r.url()}`));
  await page.addInitScript(() => document.addEventListener('securitypolicyviolation', (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI} ${e.sample}`)));

  // Everything that people can write, and what repositories and uploads bring.
  await page.goto(`${base}/overview`);
  const call = (method, path, body, type) =>
    page.evaluate(
      async ([method, path, body, type]) => {
        for (;;) {
          const r = await fetch(path, { method, body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body), headers: { 'Content-Type': type } });
          if (r.status === 429) {
            await new Promise((then) => setTimeout(then, 500));
            continue;
          }
          const text = await r.text();
          return { status: r.status, json: text && /json/.test(r.headers.get('content-type')) ? JSON.parse(text) : undefined, text };
        }
      },
      [method, path, body, type ?? 'application/json'],
    );
  const taken = async (method, path, body, type) => {
    const a = await call(method, path, body, type);
    assert.ok(a.status < 300, `${a.status} ${a.text} ${method} ${path}`);
    return a.json;
  };
  const dir = hostile();
  const repository = await taken('POST', '/api/repositories', { name: 'hostile', address: `file://${dir}` });
  for (const name of [image, script, turned]) assert.equal((await call('POST', '/api/repositories', { name })).status, 422, 'a repository may be named so');
  const uploads = await taken('POST', '/api/repositories', { name: 'uploads' });
  await taken('POST', `/api/uploads?repository=uploads&branch=main&commit=${'1'.repeat(40)}&author=${encodeURIComponent(short("author"))}&subject=${encodeURIComponent(short("subject"))}`, log, 'application/octet-stream');
  for (const [method, path, body] of [
    ['POST', '/api/teams', {}],
    ['POST', '/api/views', { query: '' }],
    ['POST', '/api/people', { email: 'x@example.org', role: 'viewer' }],
    ['POST', '/api/tokens', { permissions: ['finding:read'], expiresAt: new Date(Date.now() + 86_400_000).toISOString() }],
    ['PATCH', '/api/organisation', {}],
  ])
    assert.equal((await call(method, path, { ...body, name: turned })).status, 422, `${path} takes a name that turns text around`);
  const team = await taken('POST', '/api/teams', { name: `team ${image}` });
  await taken('POST', '/api/ownership', { team: team.id, path: '**' });
  await taken('POST', '/api/views', { name: `view ${image}`, query: `message:${JSON.stringify(image)}`, shared: true });
  await taken('POST', '/api/people', { email: 'mallory@example.org', name: `Mallory ${image}`, role: 'viewer' });
  await taken('POST', '/api/tokens', { name: `token ${image}`, permissions: ['finding:read'], expiresAt: new Date(Date.now() + 86_400_000).toISOString() });
  await taken('POST', '/api/providers', { name: `provider ${image}`, issuer: 'https://login.example.com', client: all('client'), secret: 'x', scopes: 'a', groupsClaim: image, groups: [{ name: short('group'), role: 'viewer' }] });
  await taken('PATCH', '/api/organisation', { name: `organisation ${image}` });
  await call('PUT', '/api/rules/aws-s3-public-acl/settings', { severity: 'low', reason: all('a reason') });
  for (let i = 0; i < 120; i++) {
    const r = await taken('GET', `/api/repositories/${repository.id}/branches`);
    if (r.items.length > 1 && r.items.every((b) => b.scanned)) break;
    assert.ok(i < 119, `not scanned: ${JSON.stringify(r)}`);
    await page.waitForTimeout(500);
  }
  const findings = (await taken('GET', '/api/findings?limit=500')).items.filter((f) => [repository.id, uploads.id].includes(f.repository.id));
  assert.ok(findings.length > 10, `${findings.length} findings`);
  await taken('POST', `/api/findings/${findings[0].id}/comments`, { text: all('a comment') });
  await taken('POST', '/api/findings/mute', { ids: findings.slice(0, 2).map((f) => f.id), reason: 'other', comment: all('muted') });

  let pages = 0;
  const open = async (path, then) => {
    at = path;
    pages++;
    await page.goto(base + path);
    await page.waitForSelector('main h1, main h2, form, h1');
    await page.waitForTimeout(500);
    for (const w of await page.evaluate(look)) wrong(w);
    await then?.();
  };
  const tabs = async (within = page) => {
    const n = await within.getByRole('tab').count();
    for (let i = 0; i < n; i++) {
      const tab = within.getByRole('tab').nth(i);
      const name = await tab.innerText();
      await tab.click();
      await page.waitForTimeout(350);
      const was = at;
      at += ` tab ${name}`;
      for (const w of await page.evaluate(look)) wrong(w);
      at = was;
    }
    return n;
  };
  await open('/overview');
  // What is looked for is found where it is.
  await page.evaluate(() => document.body.insertAdjacentElement('beforeend', Object.assign(document.createElement('i'), { id: 'planted', textContent: 'a\u202e' })).setAttribute('data-attack', ''));
  assert.equal((await page.evaluate(look)).length, 2, 'the look at a page misses what is wrong');
  await page.evaluate(() => document.getElementById('planted').remove());
  const paths = [...new Set(await page.locator('nav a').evaluateAll((links) => links.map((a) => a.getAttribute('href'))))];
  assert.ok(paths.length >= 10, `pages: ${paths}`);
  for (const path of paths) await open(path, tabs);
  for (const by of ['rule', 'file', 'repository', 'resource', 'author']) await open(`/findings?group=${by}`);
  await open(`/findings?q=${encodeURIComponent(all('query'))}`);

  // One finding of each rule, with all its tabs.
  const kinds = [...new Map(findings.map((f) => [f.rule, f])).values(), findings[0], findings[1]];
  for (const f of kinds.slice(0, process.env.PLUMBLINE_ATTACKS ? 500 : 8))
    await open(`/findings?finding=${f.id}`, async () => {
      const panel = page.getByRole('complementary', { name: 'Finding' });
      await panel.getByRole('heading', { level: 2 }).waitFor();
      assert.ok((await tabs(panel)) > 1);
    });
  for (const id of [repository.id, uploads.id]) await open(`/repositories/${id}`, tabs);
  const commits = await taken('GET', `/api/repositories/${repository.id}/commits`);
  for (const sha of commits.items.map((c) => c.sha).slice(0, 2)) await open(`/repositories/${repository.id}?tab=commits&commit=${sha}`);
  await open(`/graph?repository=${repository.id}`);
  for (const rule of ['aws-s3-public-acl', kinds.find((f) => f.repository.id === uploads.id).rule]) await open(`/rules/${encodeURIComponent(rule)}`, tabs);
  await open('/compliance/soc2');
  for (const path of ['/nowhere/' + encodeURIComponent(image), '/signin?next=' + encodeURIComponent('javascript:alert(9)') + '&problem=' + encodeURIComponent(image), `/findings?finding=${encodeURIComponent(image)}`, `/rules/${encodeURIComponent(image)}`, `/repositories/${encodeURIComponent(script)}`])
    await open(path).catch((e) => wrong(e.message));
  // The report that is printed is a page of its own.
  at = 'the printed report';
  pages++;
  const report = await call('GET', '/api/compliance/soc2/report?format=html');
  assert.match(report.text, /<h1/);
  await page.goto('about:blank'); // it is saved and opened elsewhere, where no policy of the server holds
  await page.setContent(report.text);
  for (const w of await page.evaluate(look)) wrong(w);
  // The palette and a search for what is named badly.
  await open('/overview', async () => {
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Go to' }).fill('img');
    await page.waitForTimeout(800);
    for (const w of await page.evaluate(look)) wrong(w);
  });
  console.log(`${pages} pages with ${findings.length} findings of strangers`);
});
const said = [...new Set(complaints)];
for (const c of said) console.log(`FAIL  ${c}`);
console.log(said.length === 0 ? 'ok    nothing of strangers runs, is an element or turns text around' : `${said.length} complaints`);
process.exit(said.length > 0 ? 1 : 0);
