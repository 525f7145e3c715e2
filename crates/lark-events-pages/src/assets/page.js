// Keeps a page up to date: elements that the server sends replace those with the same id. Sends forms as JSON.
"use strict";

(() => {
  const policy = window.trustedTypes
    ? window.trustedTypes.createPolicy("page", { createHTML: (text) => text })
    : { createHTML: (text) => text };
  const body = document.body;
  const banner = document.getElementById("connection");
  const FOCUSABLE = "a[href], button, input, select, textarea, summary, pre[tabindex]";

  // --- Times ---

  const pad = (number, width = 2) => String(number).padStart(width, "0");

  const clock = (date) =>
    `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;

  const until = (date) => {
    const seconds = Math.ceil((date - Date.now()) / 1000);
    if (seconds <= 0) return "now";
    const [days, hours] = [Math.floor(seconds / 86400), Math.floor((seconds % 86400) / 3600)];
    const [minutes, rest] = [Math.floor((seconds % 3600) / 60), seconds % 60];
    if (days > 0) return `in ${days} d ${hours} h`;
    if (hours > 0) return `in ${hours} h ${minutes} min`;
    if (minutes > 0) return `in ${minutes} min ${rest} s`;
    return `in ${rest} s`;
  };

  const showTimes = (root) => {
    for (const time of root.querySelectorAll("time[data-clock]")) {
      time.title = time.dateTime;
      time.textContent = clock(new Date(time.dateTime));
    }
    countDown(root);
  };

  const countDown = (root) => {
    for (const time of root.querySelectorAll("time[data-countdown]")) {
      const date = new Date(time.dateTime);
      const text = until(date);
      time.title = clock(date);
      if (time.textContent !== text) time.textContent = text;
    }
  };

  // --- Elements from the server ---

  const parse = (html) => {
    const template = document.createElement("template");
    template.innerHTML = policy.createHTML(html);
    showTimes(template.content);
    return template.content.firstElementChild;
  };

  const replace = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    const open = [...old.querySelectorAll("details")].map((details) => details.open);
    [...fresh.querySelectorAll("details")].forEach((details, at) => {
      if (at < open.length) details.open = open[at];
    });
    if (old.matches("details") && fresh.matches("details")) fresh.open = old.open;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const place = focused ? [...old.querySelectorAll(FOCUSABLE)].indexOf(focused) : -1;
    old.replaceWith(fresh);
    if (!focused) return;
    const all = [...fresh.querySelectorAll(FOCUSABLE)];
    const next = all[Math.min(place, all.length - 1)];
    (next || document.getElementById("main")).focus({ preventScroll: true });
  };

  const insert = (into, fresh) => {
    const number = Number(fresh.dataset.n);
    const sign = into.dataset.order === "asc" ? 1 : -1;
    // New ones come at the near end.
    const isBefore = (child) => sign * (Number(child.dataset.n) - number) > 0;
    if (sign === 1) {
      let after = into.lastElementChild;
      while (after && isBefore(after)) after = after.previousElementSibling;
      if (after) after.after(fresh);
      else into.prepend(fresh);
    } else {
      let before = into.firstElementChild;
      while (before && !isBefore(before)) before = before.nextElementSibling;
      into.insertBefore(fresh, before);
    }
  };

  const apply = ({ parts, keep }) => {
    for (const { id, into, html } of parts) {
      const fresh = parse(html);
      const old = document.getElementById(id);
      const container = into && document.getElementById(into);
      if (!fresh) continue;
      if (old) replace(old, fresh);
      else if (container) insert(container, fresh);
    }
    const container = keep && document.getElementById(keep.within);
    if (!container) return;
    const ids = new Set(keep.ids);
    for (const child of [...container.children]) {
      if (ids.has(child.id)) continue;
      const hadFocus = child.contains(document.activeElement);
      child.remove();
      if (hadFocus) document.getElementById("main").focus({ preventScroll: true });
    }
  };

  // --- The stream ---

  // A browser opens six connections to a host, so a tab holds one, and none while it is hidden.
  let source = null;
  let retry = 0;
  let position = body.dataset.position;

  const lost = (is) => {
    const text = is ? body.dataset.lost : "";
    if (banner.textContent !== text) banner.textContent = text;
  };

  const close = () => {
    clearTimeout(retry);
    if (source) source.close();
    source = null;
  };

  const open = () => {
    if (!body.dataset.stream || source || document.hidden) return;
    source = new EventSource(`${body.dataset.stream}&after=${encodeURIComponent(position)}`);
    const changed = (event) => {
      apply(JSON.parse(event.data));
      position = event.lastEventId;
    };
    source.addEventListener("update", changed);
    source.addEventListener("reset", changed);
    source.addEventListener("open", () => lost(false));
    source.addEventListener("error", () => {
      lost(true);
      // The browser gives up after an answer that is not a stream.
      if (source && source.readyState === EventSource.CLOSED) {
        close();
        retry = setTimeout(open, 2000);
      }
    });
  };

  // --- Polling ---

  // Without the script, a page of an action in progress refreshes itself.
  const poll = async () => {
    if (document.hidden) return;
    try {
      const response = await fetch(location.href, { redirect: "error" });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const html = policy.createHTML(await response.text());
      const fresh = new DOMParser().parseFromString(html, "text/html");
      showTimes(fresh);
      for (const element of fresh.querySelectorAll("[data-live][id]")) {
        const old = document.getElementById(element.id);
        if (old) replace(old, document.importNode(element, true));
      }
      body.dataset.poll = fresh.body.dataset.poll || "";
      lost(false);
    } catch {
      lost(true);
    }
  };

  const pollOn = () => {
    const seconds = Number(body.dataset.poll);
    if (seconds > 0) setTimeout(() => poll().then(pollOn), seconds * 1000);
  };

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", open);

  // --- Forms ---

  const link = (href, text) => {
    const a = document.createElement("a");
    a.href = href;
    a.textContent = text;
    return a;
  };

  const errorOf = (form) => form.querySelector("[data-error]") || document.getElementById("wrong");
  const doneOf = (form) => form.querySelector("[data-done]") || document.getElementById("said");

  const failure = (form, text) => {
    errorOf(form).textContent = text;
  };

  const success = (form, result) => {
    const { did, links, href } = form.dataset;
    const numbers = (links && result[links]) || [];
    const parts = numbers.flatMap((number) => [" ", link(href + number, `#${number}`)]);
    doneOf(form).replaceChildren(did || "Done", ...parts);
  };

  const submit = async (form, submitter) => {
    const values = {};
    // Older browsers ignore a second argument of FormData.
    const entries = [...new FormData(form)];
    if (submitter && submitter.name) entries.push([submitter.name, submitter.value]);
    for (const [name, value] of entries) {
      if (value !== "") values[name] = value;
    }
    const buttons = [...form.querySelectorAll("button")];
    // The result of an earlier request is not one of this.
    for (const output of [errorOf(form), doneOf(form)]) output.replaceChildren();
    form.setAttribute("aria-busy", "true");
    buttons.forEach((button) => button.setAttribute("aria-disabled", "true"));
    try {
      const response = await fetch(form.action, {
        method: form.dataset.method || "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(values),
      });
      const text = await response.text();
      let result = {};
      try {
        result = JSON.parse(text);
      } catch {
        result = { error: text };
      }
      if (response.ok) success(form, result);
      else failure(form, result.error || `status ${response.status}`);
    } catch {
      failure(form, body.dataset.lost);
    }
    form.removeAttribute("aria-busy");
    buttons.forEach((button) => button.removeAttribute("aria-disabled"));
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-json]")) return;
    event.preventDefault();
    if (form.getAttribute("aria-busy") !== "true") submit(form, event.submitter);
  });

  // --- Edits ---

  // They survive a look at the result and a reload, as long as the page has the same text to edit.
  const place = `edits ${location.pathname}${location.search}`;
  const fields = [...document.querySelectorAll("form[data-edits] [name]")];
  const original = (field) => field.defaultValue ?? "";

  const keepEdits = () => {
    const edits = fields
      .filter((field) => field.value !== original(field))
      .map((field) => [field.name, original(field), field.value]);
    try {
      if (edits.length) sessionStorage.setItem(place, JSON.stringify(edits));
      else sessionStorage.removeItem(place);
    } catch {
      // The storage is full or switched off.
    }
  };

  const restoreEdits = () => {
    try {
      for (const [name, before, value] of JSON.parse(sessionStorage.getItem(place)) || []) {
        const field = fields.find((it) => it.name === name);
        if (field && original(field) === before) field.value = value;
      }
    } catch {
      // As above.
    }
  };

  if (fields.length) {
    restoreEdits();
    window.addEventListener("pagehide", keepEdits);
  }

  // --- Copying ---

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    const from = document.getElementById(button.dataset.copy);
    const said = document.getElementById(button.getAttribute("aria-describedby"));
    let text = "Copied.";
    try {
      await navigator.clipboard.writeText(from.textContent);
    } catch {
      getSelection().selectAllChildren(from);
      text = "Selected; copy it with the keyboard.";
    }
    if (said) said.textContent = text;
  });

  showTimes(document);
  setInterval(() => countDown(document), 1000);
  open();
  pollOn();
})();
