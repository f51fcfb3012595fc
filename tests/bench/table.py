"""JSON lines of the engines on standard input, a Markdown table on standard output.

Each model's block names the ratio of our engines to the others in the same run.
"""

import collections
import json
import sys

rows = [json.loads(line) for line in sys.stdin if line.startswith("{")]
blocks = collections.OrderedDict()
for row in rows:
    key = (row["model"], row.get("laws", "mixed"), row.get("r", 0.5))
    blocks.setdefault(key, []).append(row)

for (model, laws, r), engines in blocks.items():
    print(f"\n### {model[0].upper() + model[1:]}, {laws} laws, bad-day correlation {r}\n")
    print("| Engine | Ids | Trials | Trials a second | Mean hours until all is back |")
    print("|---|---|---|---|---|")
    for row in engines:
        ids = "shuffled" if row.get("shuffled") else "as given"
        mean = row.get("mean_hours")
        mean = f"{mean:.1f}" if mean else "–"
        print(f"| {row['engine']} | {ids} | {row['trials']:,} | {row['trials_per_second']:,.0f} | {mean} |")
    rate = {}
    for row in engines:
        if not row.get("shuffled"):
            rate[row["engine"]] = row["trials_per_second"]
    fast = rate.get("fast path")
    if fast:
        said = [f"{fast / other:,.{1 if fast / other < 100 else 0}f} times {name}"
                for name, other in rate.items() if name not in ("fast path", "keyed draws")]
        if "keyed draws" in rate:
            said.append(f"{rate['keyed draws'] / fast:.2f} times the time of its bare keyed draws")
        print(f"\nThe fast path runs at {', '.join(said)}.")
