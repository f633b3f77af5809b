import { describe, expect, test } from '@jest/globals';
import { check, loadFiles } from '../../../dsl/index.ts';

/** Rules with windows, features and tables, without a finding. */
const RULES = `event Purchase { id: string, card: string, amount: float, shop: string, ok: bool, at: time } time at id id
event Refund { card: string, amount: float, status: "open" | "done", at: time } time at
event Batch { site: string, readings: [{ sensor: string, temp: float, ts: time(s) }], sent: time } time sent
event Reading = each r in Batch.readings { sensor: r.sensor, temp: r.temp, site, at: r.ts } time at
event Big { card: string, total: float, at: time } time at

param span: duration = 1h
table shops { id: string key, risk: float, owner: string? }
table sensors { sensor: string key, interval: duration }
feature spend30 = sum(amount) of Purchase where ok by card over 30d every 1h

rule Spender {
  by card
  on p: Purchase where shops[shop].risk > 0.5, r: Refund where status == "done"
  window sliding span every 5m
  trigger on rise
  having sum(p.amount) > 5 * spend30 and count(r) < 3
  alert spending { card, n: count(), worst: max(p.amount), p95: percentile(p.amount, 95), since: window.start }
  emit Big { card, total: sum(p.amount where shop != "x") }
  on clear alert calm { card }
}

rule Daily {
  by card
  on Purchase where not ok
  window tumbling day in "Europe/Berlin"
  trigger early every 10s
  having count(where amount > 5) > 3 and distinct(shop) > 2
  late within 1m
  alert failing { card, top: top(shop, 3), rises: slope(amount, 1h) }
}

rule Silent {
  by sensor from sensors
  match not beat for 3 * sensors[sensor].interval
    beat: Reading where temp > 0
  alert silent { sensor }
}

test Daily "none" {
  table shops {
    { id: "m1", risk: 0.9 }
  }
  @10s Purchase { card: "c" }
  expect nothing
}
`;

function findings(text: string): string[] {
  const loaded = loadFiles(['a.cep'], () => text);
  return [...loaded.diagnostics, ...check(loaded.files).diagnostics].map(({ code, span, hint }) => `${code} '${text.slice(span.start, span.end).split('\n')[0]!}'${hint === undefined ? '' : ` ${hint}`}`);
}

test('the rules have no finding', () => {
  expect(findings(RULES)).toEqual([]);
});

/** What is written, what is written in its place, and all that is found then. */
const slips: readonly (readonly [string, string, readonly string[]])[] = [
  // windows
  ['window sliding span', 'window sliding 1', ["bad-duration '1' a duration has a unit: 1s, 1m, 1h"]],
  ['window sliding span', 'window slidng span', ["syntax 'slidng' did you mean 'sliding'?"]],
  ['window sliding span', 'windw sliding span', ["unknown-clause 'windw' did you mean 'window'?"]],
  ['window sliding span', 'window hopping span', ["syntax 'hopping' write window sliding 1h every 5m"]],
  ['window sliding span', 'window 1h', ["syntax '1h' write window tumbling 1h, or window sliding 1h"]],
  ['window sliding span every 5m', 'window sliding span evry 5m', ["unknown-clause 'evry' did you mean 'every'?"]],
  ['window sliding span every 5m', 'window sliding every 5m', ["syntax 'every' write window sliding 1h every 5m"]],
  ['window sliding span every 5m', 'window session 30m', ["syntax '30m' write session gap 30m"]],
  ['window sliding span', 'window: sliding span', ["unknown-clause 'span' a stage's definition is a name, ':' and an event type"]],
  ['window sliding span every 5m', 'window count 100 events', ["syntax 'events' write window count 100"]],
  ['tumbling day in "Europe/Berlin"', 'tumbling day in Europe/Berlin', ['syntax \'Europe\' write it as text: tumbling day in "Europe/Berlin"']],
  ['tumbling day in "Europe/Berlin"', 'tumbling day in "Europe/Berln"', ['bad-text \'"Europe/Berln"\' zones are named as in "Europe/Berlin", or by an offset such as "+02:00"']],
  ['tumbling day in "Europe/Berlin"', 'tumbling days', ["syntax 'days' did you mean 'day'?"]],
  ['tumbling day in "Europe/Berlin"', 'tumbling day offset 6h', ["syntax 'offset' name the zone, or write window tumbling 24h offset 6h"]],
  ['tumbling day in "Europe/Berlin"', 'tumbling', ["syntax 'trigger' write window tumbling 1h"]],
  ['trigger on rise', 'trigger rise', ["syntax 'rise' write trigger on rise"]],
  ['trigger on rise', 'trigger on rising', ["syntax 'rising' write trigger on rise"]],
  ['trigger on rise', 'triger on rise', ["unknown-clause 'triger' did you mean 'trigger'?"]],
  ['trigger early every 10s', 'trigger every 10s', ["syntax '10s' write trigger early every 10s"]],
  ['trigger early every 10s', 'trigger early 10s', ["syntax '10s' write trigger early every 10s"]],
  ['trigger early every 10s', 'trigger early every 100 events', ["syntax 'early' write trigger every 100 events"]],
  ['trigger early every 10s', 'trigger every 100', ["syntax 'having' write trigger every 100 events"]],
  ['trigger early every 10s', 'trigger every events', ["syntax 'events' write trigger every event, or trigger every 100 events"]],
  ['late within 1m', 'late 1m', ["syntax '1m' write late within 1m"]],
  ['late within 1m', 'lateness 1m', ["unknown-clause 'lateness' did you mean 'late'?"]],
  ['on clear alert', 'on clear', ["syntax 'calm'"]],
  ['on clear alert', 'clear alert', ["unknown-clause 'clear' write on clear alert …, or on clear emit …"]],
  ['on clear alert', 'on timeout alert', ["pattern-clause 'on timeout alert calm { card }' write alert …; or `on clear`, for a condition that no longer holds"]],
  ['trigger on rise\n', '\n', ["clear-without-rise 'on clear alert calm { card }' add trigger on rise"]],
  ['on p: Purchase where shops[shop].risk > 0.5, r: Refund where status == "done"\n', '\n', ["window-without-on 'window sliding span every 5m' add on Type, or on Type where …"]],
  ['on p: Purchase', 'on p = Purchase', ["syntax '=' write p: Purchase"]],
  ['on p: Purchase', 'on Purchase p', ["syntax 'p' the name of an input stands before its type: p: Purchase"]],
  ['on p: Purchase', 'on p: Purchse', ['unknown-type \'Purchse\' did you mean "Purchase"?']],
  ['on Purchase where not ok', 'on Purchase where not okk', ['unknown-name \'okk\' did you mean "ok"?']],
  ['r: Refund where status', 'r: Refund were status', ["unknown-clause 'were' did you mean 'where'?"]],
  // aggregates
  ['count(r) < 3', 'count(q) < 3', ["unknown-name 'q'"]],
  ['count(r) < 3', 'r.count < 3', ["unknown-field 'count' write count(r)"]],
  ['count(r) < 3', 'cnt(r) < 3', ["unknown-function 'cnt' write count(…)"]],
  ['sum(p.amount) >', 'sum(p.amont) >', ['unknown-field \'amont\' did you mean "amount"?']],
  ['sum(p.amount) >', 'sum(amont) >', ['unknown-name \'amont\' did you mean "amount"?']],
  ['sum(p.amount) >', 'sum(p) >', ["stage-without-field 'sum(p)' write sum(p.amount)"]],
  ['sum(p.amount) >', 'p.amount >', ["loop-needs-aggregate 'p.amount' pick one, last(p.amount), or take all: avg(p.amount)"]],
  ['count(where amount > 5)', 'count(amount > 5)', ["count-of-condition 'amount > 5' write count(where …)"]],
  ['count(where amount > 5)', 'count(were amount > 5)', ["syntax 'amount' did you mean 'where'?"]],
  ['count(where amount > 5) > 3', 'count() == 0', ["empty-window 'count() == 0' that nothing comes is a silence: match not a for 1h; a key that never had an event is named by a table: by … from"]],
  ['distinct(shop)', 'distinct(shp)', ['unknown-name \'shp\' did you mean "shop"?']],
  ['distinct(shop)', 'shop', ["unknown-name 'shop' take one or all in an aggregate: last(shop), values(shop)"]],
  ['percentile(p.amount, 95)', 'percentile(95, p.amount)', ["bad-arguments 'p.amount' write percentile(x, 95)"]],
  ['percentile(p.amount, 95)', 'percentile(p.amount)', ["bad-arguments 'percentile(p.amount)' write percentile(x, 95)"]],
  ['percentile(p.amount, 95)', 'p95(p.amount)', ["unknown-function 'p95' write percentile(x, 95)"]],
  ['percentile(p.amount, 95)', 'percentil(p.amount, 95)', ['unknown-function \'percentil\' did you mean "percentile"?']],
  ['slope(amount, 1h)', 'slope(amount)', ["bad-arguments 'slope(amount)' write slope(x, 1h)"]],
  ['slope(amount, 1h)', 'slope(amount, 60)', ["bad-arguments '60' write slope(x, 1h)"]],
  ['top(shop, 3)', 'top(3, shop)', ["bad-arguments 'shop' write top(x, 3)"]],
  ['window.start', 'window.begin', ["unknown-field 'begin' write window.start or window.end"]],
  ['window.start', 'windw.start', ['unknown-name \'windw\' did you mean "window"?']],
  ['since: window.start', 'since: match.from', ["match-here 'match.from' window.start and window.end say when it is"]],
  ['max(p.amount)', 'maximum(p.amount)', ["unknown-function 'maximum' write max(x)"]],
  // tables
  ['id: string key', 'id: string', ["bad-table 'shops' write key behind its type: id: … key"]],
  ['id: string key', 'key id: string', ["syntax 'id' 'key' stands behind the type: id: string key"]],
  ['table shops {', 'tabel shops {', ["syntax 'tabel' did you mean 'table'?"]],
  ['table shops {', 'table Shops {', ["name-case 'Shops' write shops"]],
  ['shops[shop].risk', 'shops[shop].rsk', ['unknown-field \'rsk\' did you mean "risk"?']],
  ['shops[shop].risk', 'shop[shop].risk', ['type-mismatch \'shop\' did you mean "shops"?']],
  ['shops[shop].risk', 'shops.risk', ["table-row 'shops.risk' write shops[…].risk"]],
  ['shops[shop].risk', 'shops[shop]', ["table-row 'shops[shop]' write shops[…].risk"]],
  ['shops[shop].risk', 'shops(shop).risk', ["unknown-function 'shops' a table is looked up by shops[…]"]],
  ['shops[shop].risk', 'shops[shop, card].risk', ['syntax \',\' a table is looked up by one value: put the parts together, concat(a, "|", b)']],
  ['shops[shop].risk', 'shops[amount].risk', ["type-mismatch 'amount' concat(x) gives its text"]],
  ['from sensors', 'from sensor', ['unknown-table \'sensor\' did you mean "sensors"?']],
  ['from sensors', 'in sensors', ["syntax 'in' write by sensor from sensors"]],
  ['risk: 0.9', 'rsk: 0.9', ['unknown-field \'rsk\' did you mean "risk"?']],
  ['risk: 0.9', 'risk: "0.9"', ['type-mismatch \'"0.9"\'']],
  ['{ id: "m1", risk: 0.9 }', '{ id: "m1" }', ['missing-field \'id: "m1"\' give it a value, or declare it optional with ?']],
  ['  table shops {\n', '  table shop {\n', ['unknown-table \'shop\' did you mean "shops"?']],
  ['by sensor from', 'by sensr from', ['unknown-key \'sensr\' did you mean "sensor"?']],
  // features
  ['of Purchase where ok by', 'of Purchse where ok by', ['unknown-type \'Purchse\' did you mean "Purchase"?']],
  ['of Purchase where ok', 'from Purchase where ok', ["syntax 'from' write … of Purchase"]],
  ['sum(amount) of', 'sum(amout) of', ['unknown-name \'amout\' did you mean "amount"?']],
  ['by card over', 'by crd over', ['unknown-name \'crd\' did you mean "card"?']],
  ['over 30d', 'over 30', ["bad-duration '30' a duration has a unit: 30s, 30m, 30h"]],
  ['over 30d', 'within 30d', ["syntax 'within' write over 30d"]],
  ['over 30d', 'ovr 30d', ["syntax 'ovr' did you mean 'over'?"]],
  ['over 30d every', 'every', ["every-without-over '1h' write over 24h every 1m"]],
  ['feature spend30', 'featur spend30', ["syntax 'featur' did you mean 'feature'?"]],
  ['5 * spend30', '5 * spend3', ['unknown-name \'spend3\' did you mean "spend30"?']],
  ['feature spend30 = sum(amount)', 'feature spend30 = sum(amount) / count()', ["not-an-aggregate 'sum(amount) / count()' put aggregates together where the features are used"]],
  ['feature spend30 = sum(amount)', 'feature spend30: sum(amount)', ["syntax ':' write feature spend30 = sum(x) of Type by key"]],
  // events made of a list
  ['each r in Batch.readings', 'each r of Batch.readings', ["syntax 'of' write each r in Batch.readings"]],
  ['each r in Batch.readings', 'each r in Batch.reading', ['unknown-name \'reading\' did you mean "readings"?']],
  ['each r in Batch.readings', 'each r in Batch', ["each-source 'Batch' write each r in Batch.readings"]],
  ['temp: r.temp', 'temp: r.tmp', ['unknown-field \'tmp\' did you mean "temp"?']],
  ['temp: r.temp', 'temp: temp', ["unknown-name 'temp' write r.temp"]],
  ['at: r.ts } time at', 'at: r.ts } time ts', ["unknown-field 'ts' write time at"]],
];

describe('one slip is one finding, which names the place and the likely fix', () => {
  test.each(slips)('%s → %s', (written, slip, expected) => {
    expect(RULES.split(written).length).toBeGreaterThan(1);
    expect(findings(RULES.replace(written, slip))).toEqual(expected);
  });
});
