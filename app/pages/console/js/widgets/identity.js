// The secret with which your own server vouches for its users: shown on demand, replaced at need.

import { button, fill, h } from "../dom.js";
import { confirmDialog } from "../dialogs.js";
import { ask } from "../graph.js";
import { announce } from "../notices.js";
import { ROTATE_SECRET, SECRET } from "./documents.js";
import { copyable } from "./snippet.js";

const EXAMPLE = `// On your server (Node); never in the page
const userHash = crypto.createHmac("sha256", process.env.RAPPORT_IDENTITY_SECRET)
  .update(user.id).digest("hex");

// In the page
sc("identify", { userId: user.id, userHash, name: user.name, email: user.email });`;

export class Identity {
  constructor() {
    this.secret = h("div", { class: "actions" }, button("Show the secret", () => this.#show(), "slight"));
    this.element = h("section", { class: "card", "aria-label": "Verified identity" }, h("h2", null, "Verified identity"),
      h("div", { class: "stack" },
        h("p", { class: "small quiet" }, "Sign the id of whoever is signed in on your site. Then, and only then, a visitor sees what they wrote elsewhere, and you see who they are."),
        this.secret, h("details", null, h("summary", null, "How it is used"), h("pre", { class: "small" }, EXAMPLE))));
  }

  async #show() {
    try {
      const { identitySecret } = await ask(SECRET);
      this.#tell(identitySecret);
    } catch (failure) {
      announce(failure.message);
    }
  }

  #tell(secret) {
    fill(this.secret, copyable("The identity secret", secret), button("Replace it", () => this.#rotate(), "slight danger"));
  }

  #rotate() {
    confirmDialog({
      title: "Replace the secret?",
      text: "What your server signs with the old one is refused from now on. Visitors who are verified already stay so.",
      submit: "Replace",
      action: async () => {
        const { rotateIdentitySecret } = await ask(ROTATE_SECRET);
        this.#tell(rotateIdentitySecret.secret);
        announce("The secret is replaced.");
      },
    });
  }
}
