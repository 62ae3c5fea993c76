// The console in a real browser. The story test `tests/it/console/browser.rs` starts the daemon, passes the address and
// the tokens in OFFBOARDD_BROWSER (JSON), and answers the commands of this program: one line on standard output that begins
// with `> `, answered by one line on standard input.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { chromium } from 'playwright-core';

const story = JSON.parse(process.env.OFFBOARDD_BROWSER);
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Sends a command to the story, and waits for its answer. */
async function command(line) {
  process.stdout.write(`> ${line}\n`);
  return (await answers.next()).value;
}

const tally = { pages: 0, violations: 0, reports: 0, elsewhere: 0, errors: 0, stories: 0, shots: 0 };
const failures = [];

function fail(where, what) {
  failures.push(`${where}: ${what}`);
}

function check(where, holds, what) {
  if (!holds) fail(where, what);
}

const browser = await chromium.launch({ executablePath: story.chromium, args: ['--no-sandbox', '--disable-gpu'] });

/** A visitor: a context of its own, whose requests and policy reports are watched. */
async function visitor(token, options = {}) {
  const context = await browser.newContext({ baseURL: story.address, locale: 'en-US', timezoneId: 'America/New_York', ...options });
  const page = await context.newPage();
  page.on('request', (request) => {
    if (!request.url().startsWith(story.address)) {
      tally.elsewhere += 1;
      fail(page.url(), `a request to ${request.url()}`);
    }
  });
  page.on('console', (message) => {
    if (message.type() !== 'error' || /status of (4|5)\d\d/.test(message.text())) return;
    const isReport = message.text().includes('Content Security Policy');
    tally[isReport ? 'reports' : 'errors'] += 1;
    fail(page.url(), message.text());
  });
  page.on('pageerror', (error) => {
    tally.errors += 1;
    fail(page.url(), String(error));
  });
  if (token) {
    await page.goto('/sign-in');
    await page.fill('[name=token]', token);
    await page.click('main button[type=submit]');
    await page.waitForURL('**/');
  }
  return { context, page };
}

/** axe in the page, under the page's own policy: evaluated through the debugger, not loaded by the page. */
async function axe(page, where) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }));
  tally.pages += 1;
  tally.violations += violations.length;
  for (const violation of violations) {
    const nodes = violation.nodes.slice(0, 2).map((node) => `${node.target} ${node.failureSummary ?? ''}`).join(' | ');
    fail(where, `axe ${violation.id}: ${nodes}`.replace(/\s+/g, ' ').slice(0, 600));
  }
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(where, overflow <= 0, `the page is ${overflow} px too wide`);
}

/** Presses a link or a button by its beginning. */
const press = (page, name) => page.locator('main').getByRole(/…|Explain|Go to/.test(name) ? 'link' : 'button', { name }).first().click();

async function confirm(page, button, reason = 'confirmed by the ticket HR-1') {
  const understood = page.locator('[name=understood]');
  if (await understood.count()) await understood.check();
  const field = page.locator('[name=reason]');
  if (await field.count()) await field.fill(reason);
  await press(page, button);
  await page.waitForLoadState();
}

const has = async (page, text) => (await page.locator('body').innerText()).includes(text);

/** The stories of operators, with and without the script. */
async function stories(javaScriptEnabled) {
  const names = story.people[javaScriptEnabled ? 'withScript' : 'withoutScript'];
  const at = (what) => `${javaScriptEnabled ? 'with' : 'without'} script, ${what}`;
  const rosa = await visitor(story.tokens.rosa, { javaScriptEnabled });
  const tom = await visitor(story.tokens.tom, { javaScriptEnabled });
  const page = rosa.page;
  const open = async (who, email) => {
    await who.page.goto('/cases');
    await who.page.fill('#q', email);
    await press(who.page, 'Show');
    await who.page.locator('tbody th a').first().click();
    await who.page.waitForLoadState();
  };
  const done = () => { tally.stories += 1; };

  await open(rosa, names.deleted);
  check(at('find'), await has(page, names.deleted), 'the case is not found by its address');
  done();

  for (const who of [rosa, tom]) {
    await open(who, names.deleted);
    await press(who.page, 'Review and approve the deletion…');
    await confirm(who.page, 'Approve the deletion');
  }
  check(at('approve'), await has(tom.page, 'rosa') && await has(tom.page, 'Withdraw your approval…'), 'two approvals');
  await press(tom.page, 'Withdraw your approval…');
  await confirm(tom.page, 'Withdraw the approval');
  check(at('withdraw'), !(await has(tom.page, 'Withdraw your approval…')), 'the approval is withdrawn');
  done();

  await press(page, 'Hold the person…').catch(() => {});
  await open(rosa, names.held);
  await press(page, 'Hold the person…');
  await confirm(page, 'Hold the person');
  check(at('hold'), await has(page, 'Held by an operator') && await has(page, 'confirmed by the ticket HR-1'), 'the hold and its reason');
  await press(page, 'Release…');
  await confirm(page, 'Release the case');
  check(at('release'), await has(page, 'Waits for its time'), 'the case continues');
  done();

  await press(page, 'Cancel the case…');
  await page.locator('main').getByRole('link', { name: 'Keep it, go back' }).click();
  check(at('keep'), await has(page, 'Waits for its time'), 'going back changes nothing');
  await press(page, 'Cancel the case…');
  await confirm(page, 'Cancel the case');
  check(at('cancel'), await has(page, 'Cancelled') && !(await has(page, names.held)), 'the case is closed and names no person');
  done();

  await page.goto(`/cases?source=${names.bulkSource}`);
  await press(page, 'Cancel all…');
  const before = await page.locator('h1').innerText();
  await command(`depart ${names.bulkSource} ${names.late}`);
  await page.locator('[name=reason]').fill('a test run');
  await page.locator('main form .acts button').click();
  await page.waitForLoadState();
  const after = await page.locator('h1').innerText();
  check(at('bulk'), await has(page, 'the set changed') && before !== after, `409 with the new count: ${before}, ${after}`);
  await page.locator('[name=reason]').fill('a test run');
  await page.locator('main form .acts button').click();
  await page.waitForURL('**/cases?source=*');
  check(at('bulk'), !(await has(page, names.late)), 'the closed cases name no person');
  done();

  await page.goto('/deliveries?status=unreadable');
  await page.locator('tbody th a').first().click();
  await press(page, 'Replay…');
  await confirm(page, 'Replay the delivery');
  check(at('replay'), await has(page, 'Delivery …'), 'the delivery is shown again');
  done();

  await page.goto('/sources');
  if (await page.getByRole('link', { name: /^Release \d/ }).count()) {
    await page.getByRole('link', { name: /^Release \d/ }).first().click();
    await page.locator('[name=reason]').fill('a merger');
    await page.locator('main form .acts button').click();
    await page.waitForURL('**/sources#*');
    check(at('brake'), !(await page.getByRole('link', { name: /^Release \d/ }).count()), 'the brake is released');
    done();
  }

  if (!javaScriptEnabled) {
    await page.setViewportSize({ width: 375, height: 800 });
    await page.getByRole('button', { name: 'Menu' }).click();
    check(at('menu'), await page.locator('#menu').isVisible(), 'the menu opens without a script');
    await page.setViewportSize({ width: 1280, height: 800 });
  }
  await page.goto('/');
  await page.locator('#menu').getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.waitForURL('**/sign-in');
  await page.goto('/cases');
  check(at('sign out'), page.url().includes('/sign-in'), 'the session is over');
  done();
  await rosa.context.close();
  await tom.context.close();
}

/** Every page × language × theme × width × role: axe, reports, width. */
async function matrix() {
  for (const [role, token] of Object.entries(story.roles)) {
    for (const colorScheme of ['light', 'dark']) {
      const { context, page } = await visitor(token, { colorScheme });
      for (const width of [375, 1280]) {
        await page.setViewportSize({ width, height: 900 });
        for (const lang of ['en', 'de']) {
          for (const path of story.pages[role]) {
            const where = `${role} ${lang} ${colorScheme} ${width} ${path}`;
            await page.goto(`${path}${path.includes('?') ? '&' : '?'}lang=${lang}`);
            await axe(page, where);
            if (role === 'viewer') {
              const text = await page.locator('body').innerText();
              check(where, !/@example\.com/.test(text), 'a viewer sees an address');
            }
          }
        }
      }
      await context.close();
    }
  }
  const unknown = await visitor(null, { colorScheme: 'dark', viewport: { width: 375, height: 800 } });
  await unknown.page.goto('/sign-in?lang=de');
  await axe(unknown.page, 'sign-in');
  await unknown.context.close();
}

/** By the keyboard alone: the skip link, the navigation, a filter, a case, a confirmation. */
async function keyboard() {
  const { context, page } = await visitor(story.tokens.rosa);
  await page.goto('/cases');
  await page.keyboard.press('Tab');
  const first = await page.evaluate(() => document.activeElement.className);
  check('keyboard', first === 'skip', `the first stop is the skip link, not ${first}`);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  const inside = await page.evaluate(() => document.querySelector('main').contains(document.activeElement));
  check('keyboard', inside, 'the next stop is in the content');
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  check('keyboard', outline !== 'none', 'the focus is visible');
  tally.stories += 1;
  await context.close();
}

/** The pictures of the documents, and all others for a look. */
async function pictures(folder) {
  mkdirSync(folder, { recursive: true });
  for (const colorScheme of ['light', 'dark']) {
    const { context, page } = await visitor(story.tokens.rosa, { colorScheme });
    for (const width of [375, 1280]) {
      await page.setViewportSize({ width, height: width === 375 ? 812 : 860 });
      for (const [name, path] of Object.entries(story.pictures)) {
        await page.goto(`${path}${path.includes('?') ? '&' : '?'}lang=${name.endsWith('.de') ? 'de' : 'en'}`);
        await page.screenshot({ path: `${folder}/${name}-${colorScheme}-${width}.png`, fullPage: story.full ?? false });
        tally.shots += 1;
      }
    }
    await context.close();
  }
}

try {
  if (story.shots) {
    rmSync(story.shots, { recursive: true, force: true });
    await pictures(story.shots);
  }
  if (!story.onlyShots) {
    await matrix();
    await keyboard();
    await stories(true);
    await stories(false);
  }
} catch (error) {
  fail('the program', error.stack);
} finally {
  await browser.close();
}
const unique = [...new Set(failures)];
process.stdout.write(`${unique.slice(0, 60).join('\n')}${unique.length ? '\n' : ''}`);
process.stdout.write(`tally: ${JSON.stringify(tally)}, ${unique.length} failures\n`);
process.exit(unique.length === 0 ? 0 : 1);
