// Dialogs. The browser's own element keeps the focus inside, closes on Escape and gives the focus back.

import { button, h, newId } from "./dom.js";
import { form } from "./forms.js";

/** Opens a dialog and gives a function that closes it. `body` are elements; `onclose` is called however it closes. */
export function openDialog({ title, body, broad = false, onclose = () => {} }) {
  const id = newId("dialog");
  const dialog = h("dialog", { "aria-labelledby": id, class: broad ? "broad" : "" },
    h("h2", { id }, title), h("div", { class: "stack" }, body));
  dialog.addEventListener("close", () => {
    dialog.remove();
    onclose();
  });
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("[data-autofocus]")?.focus();
  return () => dialog.close();
}

/** A dialog with one form; it closes when `action` has done its work. */
export function formDialog({ title, text = null, fields = [], submit, action, look = "primary", broad = false }) {
  const cancel = button("Cancel", () => close());
  const content = form({
    fields,
    submit,
    look,
    extra: [cancel],
    action: async (values) => {
      await action(values);
      close();
    },
  });
  const close = openDialog({ title, broad, body: [text && h("p", { class: "quiet" }, text), content] });
  if (!fields.length) cancel.focus();
  return close;
}

/** Asks before something that cannot be undone easily. The way out has the focus. */
export function confirmDialog({ title, text, submit, action }) {
  return formDialog({ title, text, submit, action, look: "danger primary" });
}
