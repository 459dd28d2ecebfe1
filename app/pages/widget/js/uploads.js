// Files on their way to the server, and the addresses under which those in messages are found for some minutes.

import { LINKS } from "./documents.js";
import { Refused, serverAddress } from "./graph.js";
import { asVisitor, session } from "./session.js";

const FRESH_MS = 3 * 60e3;
const links = new Map();
let asked = null;

/** Sends a file. `progressed` hears the part that is done, 0 to 1. The answer is {id, name, size, mimeType}. */
export function upload(file, progressed) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    const form = new FormData();
    form.append("file", file, file.name || "file");
    request.open("POST", serverAddress("/files"));
    request.setRequestHeader("authorization", `Bearer ${session.token}`);
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => progressed(total ? loaded / total : 0);
    request.onerror = () => reject(new Refused("The server cannot be reached.", "NETWORK"));
    request.onload = () => (request.status < 300 ? resolve(known(request.response)) : reject(why(request)));
    request.send(form);
  });
  return { done, abort: () => request.abort() };
}

/** The address of a file that was sent, good for some minutes. Files asked for together are asked for at once. */
export async function linkOf(id) {
  const link = links.get(id);
  if (link && link.until > Date.now()) return link.url;
  asked = asked || { ids: new Set(), answer: new Promise((resolve) => setTimeout(resolve, 20)).then(askAll) };
  asked.ids.add(id);
  await asked.answer;
  return links.get(id).url;
}

async function askAll() {
  const ids = [...asked.ids];
  asked = null;
  const { fileLinks } = await asVisitor(LINKS, { ids });
  const until = Date.now() + FRESH_MS;
  for (const { fileId, url } of fileLinks) links.set(fileId, { url: new URL(url, serverAddress("/")).href, until });
}

function known({ id, name, size, mime_type: mimeType }) {
  return { id, name, size, mimeType };
}

function why({ response, status }) {
  const error = (response && (response.error || (response.errors || [])[0])) || response || {};
  return new Refused(
    error.message || error.detail || `${status}`,
    status === 429 || status >= 500 ? "OVERLOADED" : "INVALID",
  );
}
