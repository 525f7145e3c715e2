// Adds a button to each block of code, which copies it.
"use strict";

for (const pre of document.querySelectorAll("article pre")) {
  const block = document.createElement("div");
  block.className = "copy";
  block.dataset.label = "the code";
  pre.replaceWith(block);
  block.append(pre);
}

for (const block of document.querySelectorAll(".copy")) {
  const button = document.createElement("button");
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  status.className = "faint";
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy " + block.dataset.label);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(block.querySelector("code").innerText);
      status.textContent = "Copied";
    } catch {
      // Without a permission, the reader copies the selection.
      getSelection().selectAllChildren(block.querySelector("code"));
      status.textContent = "Selected";
    }
  });
  const bar = document.createElement("p");
  bar.append(button, " ", status);
  block.prepend(bar);
}
