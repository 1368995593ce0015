// What all pages share: the key of this browser tab, whose page it is, and requests that understand problem+json.

const STORED = "key";
let owner = null; // {id, headers}: for whom alone this page acts, and the headers that say so

/** Takes a key out of `#key=…` so that it does not stay in the address, and remembers it for this tab. */
export function takeKey() {
  if (location.hash.startsWith("#key=")) {
    setKey(decodeURIComponent(location.hash.slice(5)));
    history.replaceState(null, "", location.pathname + location.search);
  }
  return key();
}

export function key() { return sessionStorage.getItem(STORED) || ""; }
export function setKey(value) {
  if (value.trim()) sessionStorage.setItem(STORED, value.trim());
  else sessionStorage.removeItem(STORED);
}

/** Headers that say who asks; without a key the session cookie does, with the token that belongs to it. */
export function authorization() {
  if (key()) return { Authorization: `Bearer ${key()}` };
  const token = document.cookie.match(/(?:^|; )ydt_csrf=([0-9a-f]+)/);
  return token ? { "X-CSRF-Token": token[1] } : {};
}

/**
 * Who asks. From then on the page acts for nobody else: the cookie is the whole browser's, and what one person did must
 * not be sent once another has logged in in the next tab. Then the page opens anew, as that person's.
 */
export async function identify() {
  const headers = authorization();
  const answer = await ask("/v1/sessions/me", headers);
  if (!answer.ok) return answer;
  if (owner && owner.id !== answer.data.id) {
    location.reload();
    return { ok: false, status: 401, data: null, message: "已由另一位登录" };
  }
  owner = { id: answer.data.id, headers };
  return answer;
}

const changed = () => owner && JSON.stringify(authorization()) !== JSON.stringify(owner.headers);

window.addEventListener("focus", () => { if (changed()) identify(); });

/**
 * One request. Never throws: `status` is 0 when the service did not answer, `data` the answer or the problem,
 * `message` a sentence for people when it went wrong.
 */
export async function request(path, options) {
  const answer = changed() ? await identify() : null;
  // The owner's token goes with it, not the cookie's of this moment: the service refuses where the two do not belong together.
  return answer && !answer.ok ? answer : ask(path, owner?.headers ?? authorization(), options);
}

/**
 * The sub-protocol that says for whom a WebSocket opens, which can send no headers: as with requests, nobody but the page's
 * owner. Null where that cannot be said now; where another has logged in the page opens anew.
 */
export async function protocol() {
  if (changed() && !(await identify()).ok) return null;
  const who = owner?.headers ?? authorization();
  return who.Authorization ? who.Authorization.replace("Bearer ", "bearer.") : `session.${who["X-CSRF-Token"] ?? ""}`;
}

async function ask(path, who, { method = "GET", body, signal } = {}) {
  const headers = { ...who, ...(body === undefined ? {} : { "Content-Type": "application/json" }) };
  const text = body === undefined ? undefined : JSON.stringify(body);
  let response;
  try {
    response = await fetch(path, { method, headers, body: text, signal, cache: "no-store" });
  } catch {
    return { ok: false, status: 0, data: null, message: "服务没有应答" };
  }
  let data = null;
  try { data = await response.json(); } catch { /* an answer without a body, or a proxy's page */ }
  const wait = Number(response.headers.get("Retry-After"));
  return { ok: response.ok, status: response.status, data, message: response.ok ? "" : sentence(response.status, data, wait) };
}

function sentence(status, problem, wait) {
  if (status === 429) return `请求过多，请${wait ? ` ${wait < 120 ? `${wait} 秒` : `${Math.ceil(wait / 60)} 分钟`}后` : "稍后"}再试`;
  if (status === 401) return "密钥无效或已撤销";
  if (status === 403) return "这个密钥没有权限";
  return [problem?.title, problem?.detail].filter(Boolean).join("：") || `服务出错（${status}）`;
}

/** The JSON that the server put into the page. */
export function pageData(id = "data") { return JSON.parse(document.getElementById(id).textContent); }
