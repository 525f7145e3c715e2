// Search over the index, which is in `larkEvents`. The best match comes first, as in `lark-events events`.
"use strict";

(() => {
  const { fields, scopes, events } = larkEvents;
  const rows = events.map(([type, title, chinese, rust, domain, isOld, scopeIds, fieldIds]) => {
    const details = [["permission", scopeIds.map((id) => scopes[id])], ["field", fieldIds.map((id) => fields[id])]];
    const names = [type, rust, title, chinese, domain].map((text) => text.toLowerCase());
    return { type, title, chinese, rust, isOld, names, details };
  });
  const $ = (id) => document.getElementById(id);
  const form = $("search"), input = $("query"), results = $("results"), count = $("count"), all = $("all");

  // How well a word matches a text: less is better, and -1 is no match. A word in Chinese is always a whole word.
  function fit(word, text) {
    if (!text.includes(word)) return -1;
    if (text === word) return 0;
    if (text.startsWith(word)) return 1;
    const words = text.split(/[^\p{L}\p{N}]+/u);
    if (/[^\x00-\x7f]/.test(word) || words.includes(word)) return 2;
    return words.some((part) => part.startsWith(word)) ? 3 : 4;
  }

  // The cost of a row, and the permissions and fields that match; null if a word does not.
  function match(row, words) {
    let cost = 0;
    const found = [];
    for (const word of words) {
      const costs = row.names.map((text, at) => [fit(word, text), at]).filter(([fits]) => fits >= 0);
      const isInName = costs.length > 0;
      row.details.forEach(([kind, texts], at) => {
        for (const text of texts) {
          const fits = fit(word, text.toLowerCase());
          if (fits < 0) continue;
          // A word in a name is more often what the reader means.
          costs.push([fits + 3, row.names.length + at]);
          if (fits === 0 || !isInName) found.push([kind, text]);
        }
      });
      const best = Math.min(...costs.map(([fits, at]) => fits * 7 + at));
      if (best === Infinity) return null;
      cost += best;
    }
    return { row, cost, found };
  }

  // The text with the words in it marked.
  function marked(text, words) {
    const parts = document.createDocumentFragment();
    let rest = text;
    while (rest) {
      const lower = rest.toLowerCase();
      const at = words.map((word) => [lower.indexOf(word), word.length]).filter(([at]) => at >= 0).sort(([a], [b]) => a - b)[0];
      // Lower case can have another length.
      if (!at || lower.length !== rest.length) break;
      const mark = document.createElement("mark");
      mark.textContent = rest.slice(at[0], at[0] + at[1]);
      parts.append(rest.slice(0, at[0]), mark);
      rest = rest.slice(at[0] + at[1]);
    }
    parts.append(rest);
    return parts;
  }

  function element(name, content, attributes) {
    const made = Object.assign(document.createElement(name), attributes);
    made.append(content);
    return made;
  }

  function item({ row, found }, words) {
    const item = document.createElement("li");
    item.append(element("a", marked(row.type, words), { className: "type", href: `events/${row.type}.html` }), " ");
    item.append(element("span", marked(row.title, words)), " ");
    item.append(element("span", marked(row.chinese, words), { className: "faint", lang: "zh-CN" }));
    found.sort((a, b) => a[1].length - b[1].length);
    const details = found.slice(0, 3).map(([kind, text]) => {
      const part = element("span", kind + " ", { className: "detail" });
      part.append(element("code", marked(text, words)));
      return part;
    });
    if (found.length > 3) details.push(element("span", `and ${found.length - 3} more`, { className: "detail" }));
    item.append(...details);
    return item;
  }

  function search() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = rows.map((row) => match(row, words)).filter(Boolean);
    found.sort((a, b) => a.cost - b.cost || a.row.isOld - b.row.isOld || a.row.type.length - b.row.type.length);
    const isSearch = words.length > 0;
    results.replaceChildren(...(isSearch ? found.map((it) => item(it, words)) : []));
    results.hidden = !isSearch;
    all.hidden = isSearch;
    const number = found.length === 1 ? "1 event" : `${found.length} events`;
    count.textContent = !isSearch ? "" : found.length ? number : "No event matches. Each word must be a part of a type, title, name, field or permission.";
  }

  function restore() {
    input.value = new URLSearchParams(location.search).get("q") ?? "";
    search();
  }

  input.addEventListener("input", () => {
    search();
    const query = input.value.trim();
    history.replaceState(null, "", query ? "?" + new URLSearchParams({ q: query }) : location.pathname);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    results.querySelector("a")?.click();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const links = [...results.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    const isInput = document.activeElement === input;
    if (event.key === "/" && !isInput) input.focus();
    else if (event.key === "Escape" && at >= 0) input.focus();
    else if (event.key === "ArrowDown" && (isInput || at >= 0) && links[at + 1]) links[at + 1].focus();
    else if (event.key === "ArrowUp" && at >= 0) (links[at - 1] ?? input).focus();
    else return;
    event.preventDefault();
  });
  addEventListener("pageshow", restore);
  form.hidden = false;
  restore();
})();
