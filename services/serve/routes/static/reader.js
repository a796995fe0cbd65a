// Search-as-you-type. Pages work without it. Text goes in as text, never as HTML.
"use strict";
(() => {
  const input = document.querySelector("input[data-suggest]");
  if (input) {
    const list = document.createElement("ul");
    list.className = "suggestions";
    list.id = "suggestions";
    list.setAttribute("role", "listbox");
    list.hidden = true;
    input.form.append(list);
    for (const [name, value] of [["role", "combobox"], ["aria-controls", "suggestions"], ["aria-autocomplete", "list"], ["aria-expanded", "false"]]) {
      input.setAttribute(name, value);
    }
    let asked = 0, timer = 0, chosen = -1;

    const close = () => {
      asked += 1;
      list.hidden = true;
      chosen = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const choose = (index) => {
      const items = list.children;
      if (!items.length) return;
      chosen = (index + items.length) % items.length;
      for (let i = 0; i < items.length; i += 1) items[i].setAttribute("aria-selected", String(i === chosen));
      input.setAttribute("aria-activedescendant", items[chosen].id);
    };
    const show = (results) => {
      list.replaceChildren(...results.filter((item) => item.href.startsWith("/")).map((item, i) => {
        const row = document.createElement("li");
        row.id = `suggestion-${i}`;
        row.setAttribute("role", "option");
        row.setAttribute("aria-selected", "false");
        const link = document.createElement("a");
        link.href = item.href;
        link.tabIndex = -1;
        link.textContent = item.label;
        if (item.kind === "tag") {
          const kind = document.createElement("span");
          kind.className = "kind";
          kind.textContent = "stream";
          link.append(kind);
        }
        row.append(link);
        return row;
      }));
      chosen = -1;
      list.hidden = !list.children.length;
      input.setAttribute("aria-expanded", String(!list.hidden));
    };
    const ask = async () => {
      const text = input.value.trim();
      if (text.length < 2) return close();
      const mine = (asked += 1);
      try {
        const answer = await fetch(`${input.dataset.suggest}?q=${encodeURIComponent(text)}`);
        if (!answer.ok || mine !== asked) return;
        const found = await answer.json();
        if (mine === asked) show(found.response.results);
      } catch {
        close(); // offline: the form still works
      }
    };
    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 120); });
    input.addEventListener("keydown", (event) => {
      // A browser clears a search field on Escape: what was typed is worth more than an empty field.
      if (event.key === "Escape") { event.preventDefault(); clearTimeout(timer); return close(); }
      if (list.hidden) return;
      if (event.key === "ArrowDown") { event.preventDefault(); choose(chosen + 1); }
      else if (event.key === "ArrowUp") { event.preventDefault(); choose(chosen - 1); }
      else if (event.key === "Enter" && chosen >= 0) { event.preventDefault(); list.children[chosen].firstChild.click(); }
    });
    input.addEventListener("blur", () => setTimeout(close, 150));
  }
})();
