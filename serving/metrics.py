"""What `/metrics` shows (Prometheus). No transcript text, no caller."""

from prometheus_client import Counter, Gauge, Histogram

from data.records import Suggestion

SECONDS = (0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)

suggestions = Counter(
    "yidiantong_suggestions_total",
    "Suggestions made, by destination, urgency and whether they were confident",
    ["destination", "urgency", "confident"],
)
red_flags = Counter("yidiantong_red_flags_total", "Red flags raised, by kind", ["flag"])
queueing = Histogram("yidiantong_queue_seconds", "Time a request waited before inference", buckets=SECONDS)
inference = Histogram("yidiantong_inference_seconds", "Time of classifying and routing one request", buckets=SECONDS)
refused = Counter("yidiantong_refused_total", "Requests refused because they would have waited too long")
expected_wait = Gauge(
    "yidiantong_expected_wait_seconds", "How long the newest suggestion asked for was expected to wait"
)
degraded = Gauge("yidiantong_degraded", "Parts that do not work (0 when all is well)")
registry_unavailable = Gauge("yidiantong_registry_unavailable", "The registry or its live release cannot be read now")
release_refused = Gauge("yidiantong_release_refused", "The live release of the registry does not serve: it is broken")
policy_refused = Gauge("yidiantong_policy_refused", "A changed table of a city is broken: the old one stays")
shadow_answers = Counter("yidiantong_shadow_answers_total", "Calls that the candidate answered, too", ["agreed"])
shadow_left_out = Counter("yidiantong_shadow_left_out_total", "Calls that the candidate could not keep up with")
live_calls = Gauge("yidiantong_live_calls", "Calls connected now")
live_seconds = Histogram(
    "yidiantong_live_seconds", "Time from the newest message of a live call to its suggestion", buckets=SECONDS
)
live_superseded = Counter(
    "yidiantong_live_superseded_total", "Messages of live calls whose text was replaced before it was evaluated"
)
live_glances = Counter(
    "yidiantong_live_glances_total", "Suggestions of live calls by the linear model, while the whole one was busy"
)
drift_psi = Gauge(
    "yidiantong_drift_psi",
    "How far the last seven days are from the reference, by feature (PSI; NaN for too few calls)",
    ["feature"],
)
drift_calls = Gauge(
    "yidiantong_drift_calls", "Calls of the last seven days that were compared, by feature", ["feature"]
)
store_up = Gauge("yidiantong_store_up", "Whether the database answers")
spool_waiting = Gauge("yidiantong_spool_waiting", "Entries written to the spool and not yet stored")
stored = Counter("yidiantong_stored_total", "Entries stored in the database, by kind", ["kind"])
rejected = Counter("yidiantong_rejected_total", "Entries that the database refused; they are kept in rejected.jsonl")
unrecorded = Counter("yidiantong_unrecorded_total", "Suggestions shown that the spool could not take")


def count(suggestion: Suggestion) -> None:
    """Counts one suggestion."""
    suggestions.labels(suggestion.destination.code, suggestion.urgency.level, str(suggestion.confident).lower()).inc()
    for flag in suggestion.red_flags:
        red_flags.labels(flag.id).inc()
