// What the pages do beyond HTML. Everything works without it.
(() => {
  'use strict';
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const root = document.documentElement;
  const parts = (at, timeZone) => new Intl.DateTimeFormat(root.lang, {
    timeZone, weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23'
  }).format(at);

  // The reader's own zone beside each deadline, where it differs from the policy's.
  const localize = (within) => within.querySelectorAll('time[data-deadline]').forEach((time) => {
    const at = new Date(time.dateTime);
    const policy = root.dataset.zone || 'UTC';
    if (time.dataset.local || Number.isNaN(at.getTime()) || zone === policy) return;
    if (parts(at, zone) === parts(at, policy) || parts(at, zone) === parts(at, 'UTC')) return;
    time.dataset.local = '1';
    const note = document.createElement('span');
    note.className = 'muted';
    note.textContent = ` · ${parts(at, zone)} ${root.dataset.yours}`;
    time.after(note);
  });

  // The countdown to the last moment to stop.
  const tick = () => document.querySelectorAll('[data-until]').forEach((clock) => {
    const left = Math.max(0, Math.floor((Date.parse(clock.dataset.until) - Date.now() + skew) / 1000));
    const units = [[86400, 'd'], [3600, 'h'], [60, 'm'], [1, 's']];
    const first = Math.max(0, units.findIndex(([size]) => left >= size));
    let rest = left;
    const shown = left === 0 ? [[0, 's']] : units.slice(first, first + 2).map(([size, unit]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return [count, unit];
    });
    clock.replaceChildren(...shown.flatMap(([count, unit]) => {
      const small = document.createElement('small');
      small.textContent = root.dataset['unit' + unit.toUpperCase()];
      return [String(count), small];
    }));
  });
  // The server's clock decides, not the reader's.
  const skew = Date.now() - (Date.parse(root.dataset.now) || Date.now());

  // A sign-in link carries the token behind the #, which is sent nowhere. The button remains the reader's decision.
  const token = document.querySelector('form[action="/sign-in"] [name=token]');
  if (token && location.hash.length > 1) {
    token.value = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, '', location.pathname + location.search);
  }

  // A second press of a button would send its form twice.
  document.addEventListener('submit', (event) => {
    const button = event.submitter;
    if (!button || event.defaultPrevented || event.target.method === 'get') return;
    setTimeout(() => { button.disabled = true; });
    addEventListener('pageshow', () => { button.disabled = false; }, { once: true });
  });

  // Pages that show a running story are read again. Nothing is replaced under the reader's hands.
  const refresh = async (main) => {
    const busy = document.hidden || main.contains(document.activeElement) || !getSelection().isCollapsed
      || main.querySelector('details[open]') || document.querySelector(':popover-open');
    const response = busy ? null : await fetch(location.href);
    if (!response || !response.ok || response.redirected) return;
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    const next = page.querySelector('main');
    if (!next) return;
    document.title = page.title;
    main.replaceChildren(...next.childNodes);
    localize(main);
    tick();
  };
  const refreshed = document.querySelector('main[data-refresh]');
  // A failed attempt is repeated by the next one.
  if (refreshed) setInterval(() => refresh(refreshed).catch(() => {}), Number(refreshed.dataset.refresh) * 1000);

  localize(document);
  tick();
  setInterval(tick, 1000);
})();
