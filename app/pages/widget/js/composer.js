// Where the visitor writes: a growing field, files by button, drop and paste, and Enter to send.

import { h, icon, iconButton, patch } from "./dom.js";
import { send } from "./outbox.js";
import { session } from "./session.js";
import { shownTalk } from "./state.js";
import { tellTyping } from "./typing.js";
import { upload } from "./uploads.js";
import { bytes, say } from "./words.js";

const LONGEST = 10_000;
const MOST_FILES = 10;
const HIGHEST_PX = 132;
const DRAFT = "rapport:draft";

/** The composer, its field, and how it is drawn. `sent` is called after a message has been taken. */
export function buildComposer(sent) {
  let files = [];
  let trouble = "";
  const field = h("textarea", {
    rows: 1,
    maxlength: LONGEST,
    dir: "auto",
    oninput: written,
    onkeydown: pressed,
    onpaste: pasted,
  });
  const chosen = h("input", { type: "file", multiple: true, hidden: true, tabIndex: -1, onchange: picked });
  const list = h("ul", { class: "files" });
  const told = h("p", { class: "trouble", role: "alert" });
  const clip = iconButton("clip", "", () => chosen.click());
  const go = h("button", { type: "button", class: "round go", onclick: submit }, icon("send"));
  const element = h("div", { class: "composer" }, told, list, h("div", { class: "row" }, clip, chosen, field, go));
  field.value = draft();

  function written() {
    grow();
    keepDraft(field.value);
    const talk = shownTalk();
    tellTyping(talk && talk.id, field.value.trim() !== "");
    draw();
  }

  function pressed(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  }

  function pasted(event) {
    const pictures = [...event.clipboardData.files];
    if (!pictures.length || !session.settings.files) return;
    event.preventDefault();
    add(pictures);
  }

  function picked() {
    add([...chosen.files]);
    chosen.value = "";
    field.focus();
  }

  function add(more) {
    const room = MOST_FILES - files.length;
    trouble = more.length > room ? say("too_many", { n: MOST_FILES }) : "";
    for (const file of more.slice(0, room)) begin({ file, key: `${Date.now()}${Math.random()}` });
    draw();
  }

  function begin(one) {
    Object.assign(one, { part: 0, trouble: "", sent: null });
    const { done, abort } = upload(one.file, (part) => {
      one.part = part;
      draw();
    });
    one.abort = abort;
    if (!files.includes(one)) files.push(one);
    done
      .then(
        (answer) => {
          one.sent = answer;
        },
        (refused) => {
          one.trouble = refused.message;
        },
      )
      .then(draw);
  }

  function drop(one) {
    one.abort();
    files = files.filter((other) => other !== one);
    draw();
    field.focus();
  }

  function isReady() {
    return !field.disabled && (field.value.trim() !== "" || files.length > 0) && files.every((one) => one.sent);
  }

  function submit() {
    if (!isReady()) return;
    const talk = shownTalk();
    tellTyping(talk && talk.id, false);
    send(
      talk && talk.id,
      field.value.trim(),
      files.map((one) => one.sent),
    );
    files = [];
    field.value = "";
    keepDraft("");
    grow();
    draw();
    field.focus();
    sent();
  }

  function grow() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, HIGHEST_PX)}px`;
  }

  function draw() {
    field.placeholder = say("placeholder");
    field.setAttribute("aria-label", say("placeholder"));
    for (const [button, name] of [
      [clip, "attach"],
      [go, "send"],
    ]) {
      button.setAttribute("aria-label", say(name));
      button.title = say(name);
    }
    clip.hidden = !session.settings.files;
    clip.disabled = field.disabled;
    go.setAttribute("aria-disabled", String(!isReady()));
    told.textContent = trouble;
    patch(
      list,
      files.map((one) => ({
        ...one,
        one,
        signature: `${Math.round(one.part * 50)} ${one.trouble} ${Boolean(one.sent)}`,
      })),
      chip,
    );
  }

  function chip({ one, file, part, sent: done, trouble: why }) {
    const about = why || (done ? bytes(file.size) : say("uploading", { n: Math.round(part * 100) }));
    const bar = h("span", { class: "part" });
    bar.style.setProperty("--part", done ? 1 : part);
    return h(
      "li",
      { class: why ? "chip wrong" : "chip" },
      icon("file"),
      h("span", { class: "about" }, h("b", { dir: "auto" }, file.name), h("small", {}, about)),
      why &&
        iconButton("again", say("retry"), () => {
          begin(one);
          draw();
        }),
      iconButton("close", `${say("remove")}: ${file.name}`, () => drop(one)),
      !done && !why && bar,
    );
  }

  return { element, field, draw, add, grow };
}

function draft() {
  try {
    return sessionStorage.getItem(DRAFT) || "";
  } catch {
    return "";
  }
}

function keepDraft(text) {
  try {
    sessionStorage.setItem(DRAFT, text);
  } catch {
    // It is lost with the page.
  }
}
