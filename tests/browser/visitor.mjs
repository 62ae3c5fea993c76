// A visitor of the console: a browser context of its own, in which everything is watched that must not happen.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { fail, tally } from './report.mjs';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What Chromium itself would load or start, and none of the pages did. */
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

export const launch = (executablePath) => chromium.launch({ executablePath, args: FLAGS });

/** Opens a context, and signs in if a token is given. */
export async function visit(browser, address, token, options = {}) {
  const context = await browser.newContext({ baseURL: address, locale: 'en-US', timezoneId: 'America/New_York', ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const watched = { reports: 0 };
  page.on('request', (request) => {
    if (request.url().startsWith(`${address}/`)) return;
    tally.elsewhere += 1;
    fail(page.url(), `a request to ${request.url()}`);
  });
  page.on('console', (message) => {
    if (message.type() !== 'error' || /status of (4|5)\d\d/.test(message.text())) return;
    if (message.text().includes('Content Security Policy')) watched.reports += 1;
    else {
      tally.errors += 1;
      fail(page.url(), message.text());
    }
  });
  page.on('pageerror', (error) => {
    tally.errors += 1;
    fail(page.url(), String(error));
  });
  page.on('dialog', (dialog) => {
    tally.errors += 1;
    fail(page.url(), `a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  if (token) {
    await page.goto('/sign-in');
    await page.fill('[name=token]', token);
    await page.click('main button[type=submit]');
    await page.waitForURL('**/');
  }
  const close = async (expected = 0) => {
    tally.reports += watched.reports - expected;
    if (watched.reports !== expected) fail('policy', `${watched.reports} reports, expected ${expected}`);
    await context.close();
  };
  return { page, context, close };
}

/** The violations that axe finds. Evaluated through the debugger, so that the page keeps its own policy. */
export async function axe(page) {
  if (!await page.evaluate(() => Boolean(globalThis.axe))) await page.evaluate(axeSource);
  const found = await page.evaluate((values) => globalThis.axe.run(document, { runOnly: values, resultTypes: ['violations'] }), TAGS);
  return found.violations.map(({ id, nodes }) => {
    const where = nodes.slice(0, 2).map((node) => `${node.target} ${node.failureSummary ?? ''}`).join(' | ');
    return `axe ${id}: ${where}`.replace(/\s+/g, ' ').slice(0, 600);
  });
}

/** By how many pixels the page is wider than its window. */
export const overflow = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
