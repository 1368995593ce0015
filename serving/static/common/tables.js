// The codes and the policies as the API gives them, by code.

/** Tables by code, and the policies by city, as the API gives them. */
export function makeTables(taxonomy, policies, scripts) {
  const byCode = (rows) => Object.fromEntries(rows.map((row) => [row.code, row]));
  const rules = Object.fromEntries(policies.map((policy) => [policy.city, byCode(policy.rules)]));
  return { categories: byCode(taxonomy.categories), destinations: byCode(taxonomy.destinations),
    urgencies: taxonomy.urgencies, rules, scripts };
}

/** The code's kind: `category`, `destination` or `urgency`. */
export function kindOf(code, tables) {
  if (tables.categories[code]) return "category";
  return tables.destinations[code] ? "destination" : "urgency";
}

/** The code in the words of people; an unknown code as it stands. */
export function nameOf(code, tables) {
  return tables.categories[code]?.name ?? tables.destinations[code]?.name ?? tables.urgencies[code] ?? code;
}

/** Where a rule of a policy sends a matter of this urgency. */
export function byUrgency(rule, urgency) {
  if (urgency === "routine_onsite") return rule.if_routine_onsite;
  return urgency === "routine_remote" ? rule.if_routine_remote : rule.if_emergency_or_urgent;
}
