// Open pages follow the event stream: new articles appear, changed ones change in place, what is taken back goes. Nothing
// jumps: new titles have a place of fixed height, and the text somebody is reading stays where it is. Pages work without it.
"use strict";
(() => {
  const start = document.body.dataset.live;
  if (!start || !window.EventSource) return;
  const story = document.querySelector("article.story[data-rev]");
  const latest = document.querySelector(".just-in ol");
  const ROWS = 3;
  const from = new URL(start, location.href);
  const BATCH = "application/cloudevents-batch+json";
  const POLL_MS = 15_000;
  let source = null;
  let polling = null;

  const all = (id) => [...document.querySelectorAll("[data-id]")].filter((node) => node.dataset.id === id);
  const pathOf = (card) => `/articles/${card.id}/${encodeURIComponent(card.slug)}`;

  const say = (text, href) => {
    document.querySelector(".fresh")?.remove();
    const note = document.createElement(href ? "a" : "p");
    note.className = "fresh";
    note.setAttribute("role", "status");
    if (href) note.href = href;
    else note.addEventListener("click", () => note.remove());
    note.textContent = text;
    document.body.append(note);
  };

  const arrived = (card) => {
    if (!latest || card.duplicate_of || all(card.id).some((node) => latest.contains(node))) return;
    const row = document.createElement("li");
    row.dataset.id = card.id;
    row.dir = "auto";
    if (card.language !== "und") row.lang = card.language;
    const time = document.createElement("time");
    time.dateTime = card.received_at;
    time.textContent = `${new Date(card.received_at).toISOString().slice(11, 16)} UTC`;
    const link = document.createElement("a");
    link.href = pathOf(card);
    link.textContent = card.title;
    row.append(time, " ", link);
    latest.prepend(row);
    while (latest.children.length > ROWS) latest.lastElementChild.remove();
  };

  const retitled = (card) => {
    for (const node of all(card.id)) {
      if (node === story) continue;
      const link = node.matches("li") ? node.querySelector("a") : node.querySelector("h2 a, h3 a");
      if (!link) continue;
      if (link.textContent !== card.title) link.textContent = card.title;
      link.href = pathOf(card);
    }
  };

  const takenBack = (tombstone) => {
    for (const node of all(tombstone.id)) {
      node.style.minHeight = `${node.offsetHeight}px`; // what is below stays where it is
      if (node.matches("li")) {
        node.textContent = "This article was taken back";
        continue;
      }
      const words = document.createElement(node === story ? "h1" : "p");
      words.textContent = "This article was taken back";
      const why = document.createElement("p");
      why.textContent = node === story ? tombstone.reason : "";
      node.replaceChildren(words, why);
      if (node !== story) continue;
      story.dataset.rev = tombstone.rev;
      document.title = words.textContent;
    }
  };

  // --- the article somebody is reading ---

  const paragraphs = (old, fresh) => {
    const mine = [...old.children], theirs = [...fresh.children];
    const same = (a, b) => a.textContent === b.textContent;
    let head = 0, tail = 0;
    while (head < mine.length && head < theirs.length && same(mine[head], theirs[head])) head += 1;
    const most = Math.min(mine.length, theirs.length) - head;
    while (tail < most && same(mine[mine.length - 1 - tail], theirs[theirs.length - 1 - tail])) tail += 1;
    const come = theirs.slice(head, theirs.length - tail);
    const before = mine[mine.length - tail] ?? null;
    for (const node of mine.slice(head, mine.length - tail)) node.remove();
    for (const node of come) {
      node.classList.add("changed");
      old.insertBefore(node, before);
    }
  };

  const merge = (fresh) => {
    const key = (node) => `${node.tagName}.${node.classList[0] ?? ""}`;
    const have = new Map([...story.children].map((node) => [key(node), node]));
    let place = null;
    for (const node of [...fresh.children]) {
      let mine = have.get(key(node));
      have.delete(key(node));
      if (!mine) {
        mine = node;
        if (place) place.after(mine); else story.prepend(mine);
      } else if (mine.classList.contains("body")) {
        paragraphs(mine, node);
      } else if (!mine.isEqualNode(node)) {
        mine.replaceWith(node);
        mine = node;
      }
      place = mine;
    }
    for (const node of have.values()) node.remove();
  };

  const steady = (change) => {
    // browsers that hold the text in place by themselves must not be helped
    const held = CSS.supports("overflow-anchor", "auto");
    const anchor = [...story.querySelectorAll(".body > p")].find((node) => node.getBoundingClientRect().bottom > 0);
    const top = anchor?.getBoundingClientRect().top;
    change();
    if (!held && anchor?.isConnected) window.scrollBy(0, anchor.getBoundingClientRect().top - top);
  };

  const revised = async (card, corrected) => {
    if (!story || card.id !== story.dataset.id || card.rev <= Number(story.dataset.rev)) return;
    try {
      const answer = await fetch(pathOf(card), { cache: "no-store" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("article.story[data-rev]");
      if (!fresh || Number(fresh.dataset.rev) <= Number(story.dataset.rev)) return;
      story.dataset.rev = fresh.dataset.rev;
      document.title = page.title;
      steady(() => merge(fresh));
      say(corrected && card.correction ? `Corrected: ${card.correction}` : "Updated just now");
    } catch {
      say("There is a newer version of this article", pathOf(card)); // offline for a moment
    }
  };

  // --- the stream ---

  const take = (event) => {
    const type = event.type.replace(/^org\.broadsheet\.|\.v1$/g, "");
    if (type === "article.withdrawn" || type === "article.retracted") return takenBack(event.data);
    if (!type.startsWith("article.")) return;
    if (type === "article.published") arrived(event.data);
    retitled(event.data);
    revised(event.data, type === "article.corrected");
  };
  const close = () => {
    source?.close();
    source = null;
    clearTimeout(polling);
    polling = null;
  };
  const outdated = () => {
    close(); // what follows a gap is all of history
    document.removeEventListener("visibilitychange", turn);
    window.removeEventListener("pageshow", open);
    say("This page is old: load it anew", location.href);
  };

  // A browser never reconnects after an error status (429: too many streams), so a refused page polls until it is hidden.
  const pollLater = () => {
    polling = setTimeout(poll, POLL_MS * (1 + Math.random()));
  };
  const poll = async () => {
    const round = polling;
    const asked = from.searchParams.get("last_event_id");
    try {
      const answer = await fetch(from, { cache: "no-store", headers: { Accept: BATCH } });
      const events = answer.ok ? await answer.json() : [];
      if (polling !== round) return; // hidden meanwhile
      if (answer.ok) {
        const resumed = answer.headers.get("Mercure-Last-Event-ID");
        if (resumed && resumed !== asked) return outdated();
        const next = /<([^>]+)>; rel="next"/.exec(answer.headers.get("Link") ?? "")?.[1];
        const cursor = next && new URL(next, location.href).searchParams.get("lastEventId");
        if (cursor) from.searchParams.set("last_event_id", cursor);
      }
      events.forEach(take);
    } catch {
      if (polling !== round) return; // offline for a moment: ask again
    }
    pollLater();
  };
  const open = () => {
    if (source || polling || document.visibilityState === "hidden") return; // browsers allow few connections: unseen pages hold none
    source = new EventSource(from);
    source.onmessage = (message) => {
      from.searchParams.set("last_event_id", message.lastEventId);
      take(JSON.parse(message.data));
    };
    source.addEventListener("gap", outdated);
    source.onerror = () => {
      if (source?.readyState !== EventSource.CLOSED) return; // it reconnects by itself
      close();
      pollLater();
    };
  };
  const turn = () => (document.visibilityState === "hidden" ? close() : open());
  document.addEventListener("visibilitychange", turn);
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", open);
  open();
})();
