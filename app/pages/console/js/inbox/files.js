// Files of messages: sent to the server with their progress told, and shown by links that work for some minutes.

import { h, icon } from "../dom.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { session } from "../session.js";
import { GraphError } from "../wire.js";
import { LINKS } from "./documents.js";
import { sizeOf } from "./words.js";

const UPLOAD = new URL("../files", document.baseURI);
const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const SPARE_MS = 20_000;
const GATHER_MS = 30;

const links = new Map();
let wanted = null;

/** The address of a file for the next minutes. What is asked for in one moment is asked in one question. */
export function linkTo(id) {
  const known = links.get(id);
  if (known && known.until > Date.now() + SPARE_MS) return Promise.resolve(known.url);
  wanted ??= { ids: new Set(), answer: new Promise((resume) => setTimeout(resume, GATHER_MS)).then(fetchLinks) };
  wanted.ids.add(id);
  return wanted.answer.then(() => links.get(id)?.url ?? null);
}

async function fetchLinks() {
  const ids = [...wanted.ids];
  wanted = null;
  const { fileLinks } = await ask(LINKS, { ids });
  for (const { fileId, url, expiresAt } of fileLinks) {
    links.set(fileId, { url: new URL(url, new URL("..", document.baseURI)).href, until: Date.parse(expiresAt) });
  }
}

/** The files of a message: images as pictures, the rest by name. */
export function fileList(files) {
  if (!files?.length) return null;
  return h("ul", { class: "files" }, files.map((file) => h("li", null, IMAGES.has(file.mimeType) ? picture(file) : attachment(file))));
}

function picture(file) {
  const { name, width, height } = file;
  const image = h("img", { alt: name, width, height, decoding: "async" });
  const show = () => linkTo(file.id).then((url) => url && (image.src = url)).catch(() => {});
  image.addEventListener("error", () => links.delete(file.id), { once: true });
  show();
  return h("button", { type: "button", class: "picture", title: `${name}, ${sizeOf(file.size)}`, "aria-label": `Open ${name}`, onclick: () => open(file) }, image);
}

function attachment(file) {
  return h("button", { type: "button", class: "attachment", "aria-label": `Open ${file.name}, ${sizeOf(file.size)}`, onclick: () => open(file) },
    icon("file"), h("span", null, h("span", { class: "strong" }, file.name), h("small", { class: "faint" }, sizeOf(file.size))));
}

/** Opens a picture in a tab of its own, and saves everything else; both by a fresh link. */
async function open(file) {
  const tab = IMAGES.has(file.mimeType) ? window.open("", "_blank") : null;
  try {
    const url = await linkTo(file.id);
    if (tab) {
      tab.opener = null;
      tab.location.replace(url);
    } else h("a", { href: url, download: file.name }).click();
  } catch (failure) {
    tab?.close();
    announce(failure.message);
  }
}

/** Sends one file; `onProgress` hears from 0 to 1. Gives {id, name, size, mimeType, …}; throws GraphError. */
export async function upload(file, { onProgress, signal }) {
  const token = await session.token();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", UPLOAD);
    request.setRequestHeader("authorization", `Bearer ${token}`);
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
    request.onload = () => (request.status < 300 ? resolve(uploaded(request.response, file)) : reject(refused(request)));
    request.onerror = () => reject(new GraphError("The server cannot be reached.", { code: "NETWORK" }));
    signal.addEventListener("abort", () => request.abort());
    const form = new FormData();
    form.append("file", file, file.name);
    request.send(form);
  });
}

function uploaded(answer, file) {
  const { id, name = file.name, size = file.size, width = null, height = null } = answer.file ?? answer;
  return { id, name, size, width, height, mimeType: answer.mimeType ?? answer.mime_type ?? file.type };
}

function refused({ status, response }) {
  const words = response?.error?.message ?? response?.message ?? response?.detail;
  return new GraphError(words ?? (status === 413 ? "The file is too large." : "The file was not taken."), { code: "REFUSED" });
}
