// What a chapter of the guide has beside its text: colours in code, and what the script of the search needs.
"use strict";

for (const code of document.querySelectorAll("pre code[class*='language-']")) {
  hljs.highlightBlock(code);
}

// The script of the search asks whether a key is for something else.
function mdbook_something_else_has_focus(event) {
  return event.target.matches("input, select, textarea");
}

// The search of the guide keeps all forms from being sent.
const find = document.querySelector(".find");
find.addEventListener("submit", () => {
  location.href = find.action + "?" + new URLSearchParams(new FormData(find));
});
