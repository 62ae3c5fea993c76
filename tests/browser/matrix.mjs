// Pages × language × theme × width × role: axe, the width, and what a viewer must not see.
//
// Themes and widths change no word, and languages and roles change no color. So the themes and widths are multiplied in one
// language and one role, and every other language and role gets each page in the one look in which it is most at risk: narrow,
// because German is longer. No page is left out anywhere.
import { axe, overflow, visit } from './visitor.mjs';
import { check, fail, tally } from './report.mjs';

const NARROW = 375;
const MIDDLE = 768;
const WIDE = 1280;
const ALL_LOOKS = [['light', WIDE], ['light', NARROW], ['dark', NARROW], ['dark', WIDE]];

export const ROUNDS = [
  { role: 'approver', lang: 'en', looks: ALL_LOOKS },
  { role: 'approver', lang: 'de', looks: [['light', NARROW]] },
  { role: 'operator', lang: 'en', looks: [['dark', WIDE]] },
  { role: 'viewer', lang: 'de', looks: [['light', NARROW]] },
];

/** One round, with as many pages at a time as there are processors to use. */
export async function round(browser, story, { role, lang, looks }) {
  const visitor = await visit(browser, story.address, story.roles[role]);
  const second = await visitor.context.newPage();
  const paths = [...story.pages[role]];
  const work = async (page) => {
    for (let path = paths.shift(); path !== undefined; path = paths.shift()) await audit(page, path, role, lang, looks);
  };
  await Promise.all([work(visitor.page), work(second)]);
  await visitor.close();
}

async function audit(page, path, role, lang, looks) {
  const begin = Date.now();
  const response = await page.goto(`${path}${path.includes('?') ? '&' : '?'}lang=${lang}`);
  const wanted = story404(path) ? 404 : 200;
  check(`${role} ${path}`, response.status() === wanted, `status ${response.status()}`);
  for (const [colorScheme, width] of looks) {
    const where = `${role} ${lang} ${colorScheme} ${width} ${path}`;
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    const violations = await axe(page);
    violations.forEach((violation) => fail(where, violation));
    tally.violations += violations.length;
    tally.audits += 1;
  }
  for (const width of [320, NARROW, MIDDLE, 1024, WIDE, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    const wider = await overflow(page);
    check(`${role} ${lang} ${width} ${path}`, wider <= 0, `the page is ${wider} px too wide`);
  }
  if (role === 'viewer') await hidesEverything(page, path);
  tally.pages += 1;
  process.stdout.write(`  ${role} ${lang} ${path} ${((Date.now() - begin) / 1000).toFixed(1)} s\n`);
}

const story404 = (path) => path.startsWith('/no-such');

/** A viewer: nothing personal, and nothing that changes anything. */
async function hidesEverything(page, path) {
  const html = await page.content();
  check(`viewer ${path}`, !/@example\.(com|net)|qm:/.test(html.replaceAll('admin@example.com', '')), 'a viewer sees an address or an account');
  const forms = await page.locator('main form[method=post]').count();
  check(`viewer ${path}`, forms === 0, 'a viewer sees a button');
  const links = page.locator('main a[href]');
  const targets = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href')));
  const changing = targets.filter((href) =>
    /\/(approve|withdraw|cancel|hold|release|retry|resolve|pause|resume|replay|accept|bulk|new|lift|requests)(\?|$)/.test(href));
  check(`viewer ${path}`, changing.length === 0, `a viewer sees links to ${changing}`);
}

/** The audit finds what it looks for: a picture without a text, and a script that the policy forbids. */
export async function watchdogs(browser, story) {
  const { page, close } = await visit(browser, story.address, null);
  await page.goto('/sign-in');
  await page.evaluate(() => document.querySelector('main').append(document.createElement('img')));
  const violations = await axe(page);
  check('watchdogs', violations.some((violation) => violation.startsWith('axe image-alt')), 'axe misses a picture without a text');
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'document.title = "executed"';
    document.head.append(script);
  });
  check('watchdogs', await page.title() !== 'executed', 'an inline script is executed');
  await close(1);
}

/** What is seen without a session. */
export async function gate(browser, story) {
  const { page, close } = await visit(browser, story.address, null, { colorScheme: 'dark', viewport: { width: NARROW, height: 800 } });
  for (const lang of ['en', 'de']) {
    await page.goto(`/sign-in?lang=${lang}`);
    await page.fill('[name=token]', 'no such token');
    await page.click('main button[type=submit]');
    check('sign-in', await page.locator('[role=alert]').count() === 1, 'a wrong token is refused in words');
    const violations = await axe(page);
    violations.forEach((violation) => fail(`sign-in ${lang}`, violation));
    tally.violations += violations.length;
    tally.audits += 1;
    tally.pages += 1;
  }
  // The link that the demo prints. From another address: a changed # alone loads nothing.
  await page.goto('/sign-in?lang=en');
  await page.goto(`/sign-in#${story.tokens.rosa}`);
  check('sign-in link', !page.url().includes('#'), 'the token does not stay in the address');
  await page.click('main button[type=submit]');
  await page.waitForURL('**/');
  await close();
}
