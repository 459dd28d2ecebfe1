// The console: routes to pages, and what happens when a session begins or ends.

import { forget } from "./account.js";
import { keepTimesTrue } from "./format.js";
import { announce } from "./notices.js";
import { go, Router } from "./router.js";
import { session } from "./session.js";
import { frameFor } from "./shell.js";
import { apiKeys } from "./views/api_keys.js";
import { audit } from "./views/audit.js";
import { campaign } from "./views/campaign.js";
import { newCampaign } from "./views/campaign_form.js";
import { campaigns } from "./views/campaigns.js";
import { canned } from "./views/canned.js";
import { messages } from "./views/contact.js";
import { customer } from "./views/customer.js";
import { customers } from "./views/customers.js";
import { delivery } from "./views/delivery.js";
import { forgotten, invitation, register, reset, signIn, verify, welcome } from "./views/entrance.js";
import { inbox } from "./views/inbox.js";
import { members } from "./views/members.js";
import { message, outbox } from "./views/outbox.js";
import { segment } from "./views/segment.js";
import { editSegment, newSegment } from "./views/segment_form.js";
import { segments } from "./views/segments.js";
import { settings } from "./views/settings.js";
import { missing, overview } from "./views/overview.js";
import { webhook } from "./settings/webhooks.js";
import { newWidget, widget } from "./views/widget_form.js";
import { widgets } from "./views/widgets.js";

const ROUTES = [
  { path: "/sign-in", view: signIn, open: true },
  { path: "/register", view: register, open: true },
  { path: "/forgot", view: forgotten, open: true },
  { path: "/reset", view: reset, open: true },
  { path: "/verify", view: verify, open: true },
  { path: "/invitation", view: invitation, open: true },
  { path: "/welcome", view: welcome, open: true },
  { path: "/", view: overview, place: "/" },
  { path: "/inbox", view: inbox, place: "/inbox" },
  { path: "/ready-answers", view: canned, place: "/inbox" },
  { path: "/customers", view: customers, place: "/customers" },
  { path: "/customers/:id", view: customer, place: "/customers" },
  { path: "/customers/:id/messages", view: messages, place: "/customers" },
  { path: "/segments", view: segments, place: "/segments" },
  { path: "/segments/new", view: newSegment, place: "/segments" },
  { path: "/segments/:id", view: segment, place: "/segments" },
  { path: "/segments/:id/edit", view: editSegment, place: "/segments" },
  { path: "/campaigns", view: campaigns, place: "/campaigns" },
  { path: "/campaigns/new", view: newCampaign, place: "/campaigns" },
  { path: "/campaigns/:id", view: campaign, place: "/campaigns" },
  { path: "/campaigns/:id/:part", view: campaign, place: "/campaigns" },
  { path: "/deliveries/:id", view: delivery, place: "/campaigns" },
  { path: "/widgets", view: widgets, place: "/widgets" },
  { path: "/widgets/new", view: newWidget, place: "/widgets" },
  { path: "/widgets/:id", view: widget, place: "/widgets" },
  { path: "/members", view: members, place: "/members" },
  { path: "/api-keys", view: apiKeys, place: "/api-keys" },
  { path: "/audit", view: audit, place: "/audit" },
  { path: "/outbox", view: outbox, place: "/outbox" },
  { path: "/outbox/:id", view: message, place: "/outbox" },
  { path: "/settings", view: settings, place: "/settings" },
  { path: "/settings/webhooks/:id", view: webhook, place: "/settings" },
  { path: "/settings/:part", view: settings, place: "/settings" },
  { path: "/.*", view: missing },
];

session.addEventListener("ended", ({ detail }) => {
  forget();
  const here = location.hash.slice(1);
  if (detail.asked) go("/sign-in");
  else {
    announce("Your session has ended. Please sign in again.");
    go("/sign-in", here && here !== "/" ? { next: here } : {});
  }
});

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main")?.focus();
});

keepTimesTrue();
new Router(ROUTES, frameFor).start();
