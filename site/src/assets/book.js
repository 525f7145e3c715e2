// What a chapter of the guide has beside its text: colours in code, and the search for events.
"use strict";

for (const code of document.querySelectorAll("pre code[class*='language-']")) {
  hljs.highlightBlock(code);
}

// The search of the guide keeps all forms from being sent.
const find = document.querySelector(".find");
find.addEventListener("submit", () => {
  location.href = find.action + "?" + new URLSearchParams(new FormData(find));
});
