// The stories of operators. Each runs with the script and without it.
import { axe, visit } from './visitor.mjs';
import { check, fail, tally } from './report.mjs';

const REASON = 'confirmed by the ticket HR-1';

const has = async (page, text) => (await page.locator('body').innerText()).includes(text);

/** Presses a link or a button of the content by the beginning of its name. */
async function press(page, name) {
  const main = page.locator('main');
  const wanted = main.getByRole('link', { name }).or(main.getByRole('button', { name }));
  await wanted.first().click();
  await page.waitForLoadState();
}

async function confirm(page, button) {
  const understood = page.locator('[name=understood]');
  if (await understood.count()) await understood.check();
  const reason = page.locator('[name=reason]');
  if (await reason.count()) await reason.fill(REASON);
  await page.locator('main form').getByRole('button', { name: button }).click();
  await page.waitForLoadState();
}

/** Finds a case by the person's address. */
async function find(page, email) {
  await page.goto('/cases');
  await page.fill('#q', email);
  await press(page, 'Show');
  await page.locator('tbody th a').first().click();
  await page.waitForLoadState();
}

/** All stories, one after the other, in one mode. `command` lets the story outside do something. */
export async function run(browser, story, javaScriptEnabled, command) {
  const names = story.people[javaScriptEnabled ? 'withScript' : 'withoutScript'];
  const mode = javaScriptEnabled ? 'with script' : 'without script';
  const rosa = await visit(browser, story.address, story.tokens.rosa, { javaScriptEnabled });
  const tom = await visit(browser, story.address, story.tokens.tom, { javaScriptEnabled });
  const page = rosa.page;
  const told = async (name, tell) => {
    const expect = (holds, what) => check(`${mode}, ${name}`, holds, what);
    try {
      await tell(expect);
    } catch (error) {
      fail(`${mode}, ${name}`, `${error.message.split('\n').slice(0, 4).join(' ')} at ${page.url()} and ${tom.page.url()}`);
    }
    tally.stories += 1;
    process.stdout.write(`  ${mode}: ${name}\n`);
  };

  await told('a case is found by its address', async (expect) => {
    await find(page, names.deleted);
    expect(await has(page, names.deleted), 'the page names the person');
  });
  await told('two people approve a deletion, one withdraws', async (expect) => {
    for (const who of [rosa, tom]) {
      await find(who.page, names.deleted);
      await press(who.page, 'Review and approve the deletion…');
      await confirm(who.page, 'Approve the deletion');
    }
    expect(await has(tom.page, 'rosa') && await has(tom.page, 'Withdraw your approval…'), 'both approvals are shown');
    await press(tom.page, 'Withdraw your approval…');
    await confirm(tom.page, 'Withdraw the approval');
    expect(!(await has(tom.page, 'Withdraw your approval…')), 'the approval is withdrawn');
    expect(await has(tom.page, 'Review and approve the deletion…'), 'it can be given again');
  });
  await told('a person is held and released', async (expect) => {
    await find(page, names.held);
    await press(page, 'Hold the person…');
    await confirm(page, 'Hold the person');
    expect(await has(page, 'Held by an operator') && await has(page, REASON), 'the hold and its reason are shown');
    await press(page, 'Release…');
    await confirm(page, 'Release the case');
    expect(await has(page, 'Waits for its time'), 'the case continues');
  });
  await told('a confirmation is left without a change', async (expect) => {
    await press(page, 'Cancel the case…');
    await press(page, 'Keep it, go back');
    expect(await has(page, 'Waits for its time'), 'nothing was changed');
  });
  await told('a case is cancelled', async (expect) => {
    await press(page, 'Cancel the case…');
    await confirm(page, 'Cancel the case');
    expect(await has(page, 'Cancelled') && !(await has(page, names.held)), 'the case is closed and names no person');
  });
  await told('a set that changed meanwhile is shown again', async (expect) => {
    await page.goto(`/cases?source=${names.bulkSource}`);
    await press(page, 'Cancel all…');
    const before = await page.locator('h1').innerText();
    await command(`depart ${names.bulkSource} ${names.late}`);
    const answer = page.waitForResponse((response) => response.request().method() === 'POST');
    await page.locator('[name=reason]').fill(REASON);
    await page.locator('main form .btn.final').click();
    expect((await answer).status() === 409, 'the changed set is refused with 409');
    await page.waitForLoadState();
    const after = await page.locator('h1').innerText();
    expect(await has(page, 'the set changed') && before !== after, `the new count is shown: ${before}, ${after}`);
    expect(await page.locator('[name=reason]').inputValue() === REASON, 'the reason is kept');
    if (javaScriptEnabled) (await axe(page)).forEach((violation) => expect(false, violation));
    await page.locator('main form .btn.final').click();
    await page.waitForURL('**/cases?source=*');
    expect(!(await has(page, names.late)), 'the closed cases name no person');
  });
  await told('a delivery is explained and replayed', async (expect) => {
    await page.goto('/deliveries?status=unreadable');
    await page.locator('tbody th a').first().click();
    await press(page, 'Explain');
    expect(await page.locator('h1').count() === 1 && !(await has(page, '{"')), 'the explanation is text, not JSON');
    await page.goBack();
    await press(page, 'Replay…');
    await confirm(page, 'Replay the delivery');
    expect(await has(page, 'Delivery …'), 'the delivery is shown again');
  });
  await told('the cases of a brake are released by their list', async (expect) => {
    await page.goto(`/sources#${names.frozen}`);
    const panel = page.locator(`#${names.frozen}`);
    expect(/of \d+/.test(await panel.locator('.big').innerText()), 'the page says how many were carried out');
    await panel.getByRole('link', { name: /^Release \d/ }).click();
    await confirm(page, /^Release \d/);
    await page.waitForURL('**/sources#*');
    expect(!(await panel.getByRole('link', { name: /^Release \d/ }).count()), 'the brake is released');
  });
  await told('a file is imported by its plan', async (expect) => {
    await page.goto('/cases');
    await press(page, 'Import a file…');
    const buffer = Buffer.from(`email,effective_at,action\n${names.imported},2026-12-24,revoke\nno address,,\n`);
    await page.locator('[name=file]').setInputFiles({ name: 'leavers.csv', mimeType: 'text/csv', buffer });
    await press(page, 'Show the plan');
    expect(await has(page, names.imported) && await has(page, 'Cannot be used'), 'the plan names what is opened and what is not');
    if (javaScriptEnabled) (await axe(page)).forEach((violation) => expect(false, violation));
    await confirm(page, 'Open 1 case');
    await page.waitForURL('**/import/*');
    expect(await has(page, '1 of 1'), 'the progress is shown');
  });
  if (!javaScriptEnabled) {
    await told('the menu opens on a phone', async (expect) => {
      await page.setViewportSize({ width: 375, height: 800 });
      await page.goto('/cases');
      await page.getByRole('button', { name: 'Menu' }).click();
      expect(await page.locator('#menu').isVisible(), 'the menu is open');
      await page.locator('#menu').getByRole('link', { name: 'Sources' }).click();
      await page.waitForURL('**/sources');
      await page.setViewportSize({ width: 1280, height: 800 });
    });
  }
  await told('signing out ends the session', async (expect) => {
    await page.goto('/');
    await page.locator('#menu').getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.waitForURL('**/sign-in');
    await page.goto('/cases');
    expect(page.url().includes('/sign-in'), 'the next page requires a sign-in');
  });
  await rosa.close();
  await tom.close();
}

/** By the keyboard alone: the skip link, the content, a filter, a case, a confirmation. */
export async function keyboard(browser, story) {
  const { page, close } = await visit(browser, story.address, story.tokens.rosa);
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
  await page.keyboard.type(story.people.withScript.deleted);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/cases?q=*');
  const opens = async (selector, url) => {
    for (let stops = 0; stops < 80; stops += 1) {
      await page.keyboard.press('Tab');
      if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) break;
    }
    await page.keyboard.press('Enter');
    await page.waitForURL(url);
  };
  await opens('tbody th a', /\/cases\/[0-9a-f-]+$/);
  await opens('main a[href*="/hold"]', '**/hold');
  await opens('main form .acts a', /\/cases\/[0-9a-f-]+$/);
  tally.stories += 1;
  await close();
}

/** Nothing of what a vendor or a person wrote is executed, and no page breaks. */
export async function hostile(browser, story) {
  const { page, close } = await visit(browser, story.address, story.tokens.rosa);
  for (const path of story.hostile) {
    await page.goto(path);
    const broken = await page.evaluate(() => ({
      executed: document.title.includes('executed') || 'executed' in globalThis,
      foreign: document.querySelectorAll('main img, main iframe, main script, main style, main [onerror]').length,
    }));
    check(path, !broken.executed && broken.foreign === 0, `markup of others takes effect: ${JSON.stringify(broken)}`);
    check(path, await page.locator('main').count() === 1 && await page.locator('footer').count() === 1, 'the page is complete');
  }
  const shown = await page.locator('body').innerText();
  check('hostile', shown.includes('onerror'), 'the last page shows the markup as text');
  tally.stories += 1;
  await close();
}
