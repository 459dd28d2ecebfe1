// Who is signed in. The access token lives in memory, the refresh token in this tab's session storage.
//
// A refresh token works once and a second use ends the session, so refreshing is done by one at a time: within the tab
// by sharing one promise, and among tabs that were duplicated (which copies the token) by a lock, with the new pair of
// tokens told to the others.

import { post } from "./wire.js";

const STORED = "rapport.refresh";
const AHEAD_MS = 60_000;
const REFRESH = `mutation Refresh($input: RefreshTokenInput!) {
  refreshSession(input: $input) { accessToken refreshToken expiresAt }
}`;
const REVOKE = "mutation Revoke($input: RefreshTokenInput!) { revokeSession(input: $input) { done } }";

class Session extends EventTarget {
  #access = null;
  #endsAt = 0;
  #refreshing = null;
  #timer = null;
  #tabs = "BroadcastChannel" in window ? new BroadcastChannel("rapport.session") : null;

  constructor() {
    super();
    this.#tabs?.addEventListener("message", ({ data }) => {
      if (data.used === this.#stored) this.#keep(data.tokens, data.lifeMs);
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.#access && this.#endsAt - Date.now() < AHEAD_MS) this.#refreshQuietly();
    });
  }

  get signedIn() {
    return this.#stored !== null;
  }

  get #stored() {
    return sessionStorage.getItem(STORED);
  }

  /** Begins with the tokens of a mutation that signs in; `now` is the server's clock. An older session is revoked. */
  begin(tokens, now) {
    const before = this.#stored;
    this.#keep(tokens, Date.parse(tokens.expiresAt) - now);
    if (before) post(REVOKE, { input: { refreshToken: before } }).catch(() => {});
  }

  /** Takes up a session whose refresh token came from elsewhere (an OpenID Connect issuer's way back). */
  async adopt(token) {
    sessionStorage.setItem(STORED, token);
    this.#access = null;
    await this.renew(null);
    return this.signedIn;
  }

  /** A token that works now, or null for nobody. */
  async token() {
    if (!this.signedIn) return null;
    if (!this.#access || this.#endsAt - Date.now() < 5_000) await this.renew(this.#access);
    return this.#access;
  }

  /** Replaces an access token that no longer works. Calls at the same time share one refresh. */
  async renew(stale) {
    if (stale !== this.#access || !this.signedIn) return;
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = null));
    await this.#refreshing;
  }

  /** Ends the session here and on the server. */
  async signOut() {
    const token = this.#stored;
    this.#forget();
    this.dispatchEvent(new CustomEvent("ended", { detail: { asked: true } }));
    if (token) await post(REVOKE, { input: { refreshToken: token } }).catch(() => {});
  }

  async #refresh() {
    const before = this.#stored;
    const turn = async () => {
      // Another tab may have used this token while we waited: its message comes before our turn or right after it.
      await new Promise((resume) => setTimeout(resume, 20));
      if (this.#stored !== before || before === null) return;
      await this.#use(before);
    };
    await (navigator.locks ? navigator.locks.request("rapport.session", turn) : turn());
  }

  async #use(token) {
    try {
      const { data, now } = await post(REFRESH, { input: { refreshToken: token } });
      if (this.#stored !== token) return;
      const tokens = data.refreshSession;
      const lifeMs = Date.parse(tokens.expiresAt) - now;
      this.#keep(tokens, lifeMs);
      this.#tabs?.postMessage({ used: token, tokens, lifeMs });
    } catch (refused) {
      if (refused.code === "UNAUTHENTICATED" && this.#stored === token) {
        this.#forget();
        this.dispatchEvent(new CustomEvent("ended", { detail: { asked: false } }));
      }
      throw refused;
    }
  }

  #keep({ accessToken, refreshToken }, lifeMs) {
    sessionStorage.setItem(STORED, refreshToken);
    this.#access = accessToken;
    this.#endsAt = Date.now() + lifeMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#refreshQuietly(), Math.max(lifeMs - AHEAD_MS, lifeMs / 2));
    this.dispatchEvent(new Event("renewed"));
  }

  #forget() {
    sessionStorage.removeItem(STORED);
    this.#access = null;
    clearTimeout(this.#timer);
  }

  #refreshQuietly() {
    this.renew(this.#access).catch(() => {
      // Offline, or ended (which was told): the next question tries again.
    });
  }
}

export const session = new Session();
