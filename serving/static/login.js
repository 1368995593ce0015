// Logging in with a key, and out again. The key itself is not kept in the browser: the cookie is.
import { request, setKey } from "./common.js";
import { $ } from "./common/dom.js";

const ROLES = { operator: "接警员", reviewer: "审核员", scientist: "数据分析", admin: "管理员" };
const PAGES = [
  ["/console", "接警台", ["operator", "admin"]],
  ["/review", "质检复核", ["reviewer", "admin"]],
  ["/figures", "数据看板", ["reviewer", "scientist", "admin"]],
  ["/", "试用页", ["operator", "admin"]],
];

/** Where the visitor wanted to go: a path of this service and nothing else. */
function wanted() {
  const next = new URLSearchParams(location.search).get("next") || "";
  return /^\/[a-z][a-z/-]*$/.test(next) ? next : "";
}

function show(me) {
  $("form").hidden = Boolean(me);
  $("inside").hidden = !me;
  if (!me) { $("key").focus(); return; }
  $("who").textContent = [me.name, ROLES[me.role], me.city].filter(Boolean).join(" · ");
  $("ways").replaceChildren(...PAGES.filter(([, , roles]) => roles.includes(me.role)).map(([href, textContent]) =>
    Object.assign(document.createElement("a"), { href, textContent })));
  $("ways").querySelector("a")?.focus();
}

function problem(answer) {
  return answer.status === 429 ? `试错或${answer.message}。` : `${answer.message}。`;
}

$("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  setKey("");
  const answer = await request("/v1/sessions", { method: "POST", body: { key: $("key").value.trim() } });
  $("status").textContent = answer.ok ? "" : problem(answer);
  $("key").value = "";
  if (!answer.ok) $("key").focus();
  else if (wanted()) location.assign(wanted());
  else show(answer.data);
});

$("out").addEventListener("click", async () => {
  const answer = await request("/v1/sessions", { method: "DELETE" });
  $("status").textContent = answer.status === 204 || answer.status === 401 ? "已退出。" : answer.message;
  if (answer.status === 204 || answer.status === 401) show(null);
});

setKey("");
const me = await request("/v1/sessions/me");
show(me.ok ? me.data : null);
