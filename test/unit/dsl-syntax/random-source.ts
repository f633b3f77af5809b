/** Random rule files, without syntax errors, with every construct of the grammar. They make no sense: names mean nothing, types do not fit. */

/** A small generator of numbers in [0, 1): the same seed gives the same numbers (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const NAMES = ['a', 'b', 'amount', 'mode', 'limit', 'owner', 'time', 'event', 'rule', 'title', 'x_1', 'from', 'skip', 'nothing', 'größe', 'alert'];
const STAGES = ['a', 'b', 'probe', 'hit', 'title', 'event', 'mode', 'alert', 'on', 'long_stage_name'];
const TYPES = ['Payment', 'Login', 'E', 'MobileLogin'];
const DURATIONS = ['250ms', '10s', '5m', '2h', '30d', '9m59s', '1d2h3m4s5ms'];
const STRINGS = ['""', '"x"', '"a \\"b\\" \\\\ \\u00e9 // no"', '"/* no */"', '"{"', '"sehr langer Text, der eine Zeile recht gut füllt"'];

export class RandomSource {
  private readonly random: () => number;
  private out: string[] = [];

  constructor(random: () => number) {
    this.random = random;
  }

  /** The tokens of a file. */
  file(): string[] {
    this.out = [];
    this.times(1, 4, () => this.one([() => this.event(), () => this.small(), () => this.rule(), () => this.rule(), () => this.test()]));
    return this.out;
  }

  /** Tokens joined by random white space and comments. */
  spaced(tokens: readonly string[], comments: number): string {
    let text = this.space(comments);
    for (const token of tokens) text += token + this.space(comments);
    return text;
  }

  private space(comments: number): string {
    const blank = (): string => this.pick([' ', ' ', ' ', '\n', '\n\n', '\t', '  \r\n', '\n \n \n']);
    if (this.random() >= comments) return blank();
    const id = Math.floor(this.random() * 1000);
    const comment = this.pick([`// line ${id} \n`, `/* block ${id} */`, `/* two\n   lines ${id} */`, '//\n', `/**/`]);
    return blank() + comment + (this.random() < 0.3 ? this.space(comments) : blank());
  }

  private pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.random() * choices.length)]!;
  }

  private one(choices: readonly (() => void)[]): void {
    this.pick(choices)();
  }

  private maybe(part: () => void, chance = 0.5): void {
    if (this.random() < chance) part();
  }

  private times(least: number, most: number, part: (index: number) => void): void {
    const count = least + Math.floor(this.random() * (most - least + 1));
    for (let index = 0; index < count; index++) part(index);
  }

  private list(least: number, most: number, part: () => void): void {
    this.times(least, most, (index) => {
      if (index > 0) this.put(',');
      part();
    });
  }

  private put(...tokens: string[]): void {
    this.out.push(...tokens);
  }

  private name(): void { this.put(this.pick(NAMES)); }
  private stage(): void { this.put(this.pick(STAGES)); }
  private typeName(): void { this.put(this.pick(TYPES)); }
  private text(): void { this.put(this.pick(STRINGS)); }
  private duration(): void { this.put(this.pick(DURATIONS)); }

  // ---- declarations ----

  private small(): void {
    this.one([
      () => { this.put('use'); this.text(); },
      () => {
        this.put('param'); this.name(); this.put(':'); this.type(1); this.put('='); this.literal();
        this.maybe(() => { this.put('in'); this.literal(); this.put('..'); this.literal(); });
      },
      () => { this.put('const'); this.name(); this.put('='); this.expr(3); },
      () => { this.put('fn'); this.name(); this.put('('); this.list(0, 2, () => { this.name(); this.put(':'); this.type(1); }); this.put(')', '='); this.expr(3); },
      () => { this.put('table'); this.name(); this.put('{'); this.times(1, 3, () => { this.field(1); this.maybe(() => this.put('key')); this.maybe(() => this.put(',')); }); this.put('}'); },
      () => {
        this.put('feature'); this.name(); this.put('=', 'sum', '('); this.expr(1); this.put(')', 'of'); this.typeName();
        this.maybe(() => { this.put('where'); this.expr(2); });
        this.maybe(() => { this.put('by'); this.list(1, 2, () => { this.name(); this.maybe(() => { this.put('='); this.expr(1); }, 0.3); }); });
        this.maybe(() => { this.put('over'); this.duration(); });
        this.maybe(() => { this.put('every'); this.duration(); });
      },
    ]);
  }

  private event(): void {
    this.put('event');
    this.typeName();
    if (this.random() < 0.1) {
      this.put('=', 'each'); this.name(); this.put('in'); this.typeName(); this.put('.'); this.name(); this.fields(3);
    } else {
      this.maybe(() => { this.put('extends'); this.typeName(); }, 0.3);
      this.put('{');
      this.times(0, 7, () => { this.field(2); this.maybe(() => this.put(',')); });
      this.put('}');
    }
    this.maybe(() => { this.put('time'); this.name(); });
    this.maybe(() => { this.put('id'); this.list(1, 2, () => this.name()); });
    this.maybe(() => { this.put('once', 'within'); this.duration(); }, 0.2);
  }

  private field(depth: number): void {
    this.name(); this.put(':'); this.type(depth);
    this.maybe(() => { this.put('from'); this.text(); }, 0.2);
  }

  private type(depth: number): void {
    this.one([
      () => this.put(this.pick(['string', 'int', 'float', 'bool', 'duration', 'time'])),
      () => this.put(this.pick(['string', 'int', 'float', 'bool', 'duration', 'time'])),
      () => { this.put('time', '(', this.pick(['ms', 's', 'us', 'ns']), ')'); },
      () => { this.put('"a"'); this.times(0, 2, () => { this.put('|'); this.text(); }); },
      () => { if (depth <= 0) { this.put('int'); return; } this.put('['); this.type(depth - 1); this.put(']'); },
      () => {
        if (depth <= 0) { this.put('int'); return; }
        this.put('{');
        this.times(0, 4, () => { this.field(depth - 1); this.maybe(() => this.put(',')); });
        this.put('}');
      },
    ]);
    this.maybe(() => this.put('?'), 0.2);
  }

  // ---- rules ----

  private rule(): void {
    this.put('rule', this.pick(['Rule', 'A', 'CardTesting']), '{');
    this.times(0, 9, () => this.clause());
    this.put('}');
  }

  private clause(): void {
    this.one([
      () => { this.put(this.pick(['title', 'description', 'owner', 'runbook'])); this.text(); },
      () => { this.put('severity'); this.expr(2); },
      () => { this.put('tags'); this.list(1, 3, () => this.name()); },
      () => {
        this.put('by');
        this.list(1, 2, () => {
          this.name();
          this.one([() => {}, () => { this.put('='); this.expr(2); }, () => { this.put('('); this.list(1, 2, () => { this.typeName(); this.put(':'); this.expr(1); }); this.put(')'); }]);
        });
        this.maybe(() => { this.put('from'); this.put('sensors'); }, 0.1);
      },
      () => {
        this.put('on');
        this.list(1, 2, () => { this.maybe(() => { this.stage(); this.put(':'); }); this.typeName(); this.maybe(() => { this.put('where'); this.expr(2); }); });
      },
      () => this.match(),
      () => this.match(),
      () => this.stageDef(),
      () => this.stageDef(),
      () => { this.put('having'); this.expr(4); },
      () => this.window(),
      () => this.window(),
      () => { this.put('trigger'); this.one([() => { this.put('early', 'every'); this.duration(); }, () => this.put('every', 'event'), () => { this.put('every'); this.expr(1); this.put('events'); }, () => this.put('on', 'rise')]); },
      () => { this.put('late', 'within'); this.duration(); },
      () => { this.maybe(() => this.put('on', 'clear')); this.one([() => { this.put('alert'); this.name(); }, () => { this.put('emit'); this.typeName(); }]); this.fields(3); },
      () => { this.maybe(() => this.put('on', 'timeout')); this.put('alert'); this.name(); this.fields(4); },
      () => { this.maybe(() => this.put('on', 'timeout')); this.put('emit'); this.typeName(); this.fields(4); },
      () => { this.put('keep', '100', 'events'); this.maybe(() => this.put('drop', this.pick(['oldest', 'newest']))); },
      () => { this.put('limit', '5', 'per'); this.duration(); this.put('by'); this.expr(1); },
      () => { this.put('mode'); this.one([() => this.put(this.pick(['live', 'shadow', 'off'])), () => this.put('canary', '5', '%')]); },
      () => { this.put('evidence', this.pick(['full', 'refs', 'none'])); },
      () => { this.put('version', '3'); },
    ]);
  }

  private window(): void {
    this.put('window');
    const more = (word: string, part: () => void): void => this.maybe(() => { this.put(word); part(); });
    this.one([
      () => { this.put('tumbling'); this.bound(); more('offset', () => this.bound()); },
      () => { this.put('tumbling', this.pick(['day', 'week', 'month'])); more('in', () => this.text()); },
      () => { this.put('sliding'); this.bound(); more('every', () => this.bound()); },
      () => { this.put('session', 'gap'); this.bound(); more('max', () => this.bound()); },
      () => { this.put('count', '100'); more('every', () => this.put('10')); },
      () => this.put('global'),
    ]);
  }

  private fields(most: number): void {
    this.put('{');
    this.times(0, most, () => {
      this.put(this.pick(['f', 'g', 'a_longer_name', 'mode']));
      this.maybe(() => { this.put(':'); this.expr(2); }, 0.8);
      this.maybe(() => this.put(','), 0.7);
    });
    this.put('}');
  }

  private match(): void {
    this.put('match');
    this.maybe(() => this.put(this.pick(['first', 'longest', 'all'])));
    this.pattern(3);
    this.maybe(() => { this.put('without'); this.list(1, 2, () => this.put(this.pick(['reset', 'off_']))); }, 0.2);
    this.maybe(() => { this.put('within'); this.bound(); });
    this.maybe(() => { this.put('within', 'session'); this.duration(); }, 0.2);
    this.maybe(() => { this.put('gap'); this.bound(); }, 0.2);
    this.maybe(() => {
      this.put('then', 'skip');
      this.one([() => this.put('past', 'last'), () => this.put('to', 'next'), () => this.put('to', this.pick(['first', 'last']), 'probe'), () => this.put('none')]);
    }, 0.3);
  }

  private bound(): void {
    this.one([() => this.duration(), () => { this.put('3', '*', 'sensors', '[', 'sensor', ']', '.', 'interval'); }]);
  }

  private pattern(depth: number): void {
    this.one([
      () => this.element(depth),
      () => { this.element(depth); this.times(1, 4, () => { this.put(this.pick(['->', '->>', '=>'])); this.maybe(() => this.put('not'), 0.2); this.element(depth); }); },
      () => { this.put('not'); this.element(0); this.put('for'); this.bound(); this.put('->'); this.element(depth); },
      () => { const op = this.pick(['and', 'or']); this.element(depth); this.times(1, 3, () => { this.put(op); this.element(depth); }); },
    ]);
  }

  private element(depth: number): void {
    if (depth > 0 && this.random() < 0.3) {
      this.put('('); this.pattern(depth - 1); this.put(')');
    } else {
      this.stage();
    }
    this.maybe(() => {
      this.one([
        () => this.put('?'), () => this.put('*'), () => this.put('+'), () => this.put('{', '3', '}'), () => this.put('{', 'least', ',', '}'), () => this.put('{', '2', ',', '2', '+', '3', '}'),
      ]);
      this.maybe(() => this.put(this.pick(['strict', 'any'])), 0.3);
      this.maybe(() => this.put(this.pick(['greedy', 'lazy'])), 0.3);
    }, 0.3);
  }

  private stageDef(): void {
    this.list(1, 2, () => this.stage());
    this.put(':');
    this.typeName();
    this.maybe(() => { this.put('|'); this.typeName(); }, 0.2);
    this.maybe(() => { this.put('where'); this.expr(4); });
    this.maybe(() => { this.put('until'); this.expr(2); }, 0.2);
    this.maybe(() => { this.put('within'); this.bound(); this.put('of', 'probe'); }, 0.2);
  }

  // ---- tests ----

  private test(): void {
    this.put('test');
    this.list(1, 2, () => this.put('Rule'));
    this.text();
    this.put('{');
    this.times(0, 6, () => this.step());
    this.put('}');
  }

  private step(): void {
    const moment = (): void => { this.put('@'); this.duration(); };
    this.one([
      () => { this.put('with'); this.name(); this.put('='); this.literal(); },
      () => { this.put('table', 'merchants', '{'); this.times(0, 3, () => { this.data(2); this.maybe(() => this.put(',')); }); this.put('}'); },
      () => { moment(); this.typeName(); this.data(4); },
      () => { moment(); this.typeName(); this.data(4); },
      () => moment(),
      () => { this.put('expect'); this.maybe(() => this.put('timeout')); moment(); this.data(4); },
      () => { this.put('expect', 'emit'); this.typeName(); moment(); this.data(3); },
      () => this.put('expect', 'nothing'),
    ]);
  }

  private data(most: number): void {
    this.put('{');
    this.times(0, most, () => {
      this.put(this.pick(['f', 'g', 'amount']), ':');
      this.one([() => this.literal(), () => this.literal(), () => { this.put('['); this.list(0, 3, () => this.literal()); this.put(']'); }, () => this.data(1)]);
      this.maybe(() => this.put(','), 0.7);
    });
    this.put('}');
  }

  // ---- expressions ----

  private literal(): void {
    this.one([
      () => this.put(this.pick(['0', '12', '3.5', '1e6', '2.5E-3'])), () => { this.put('-', '7'); }, () => this.duration(), () => this.text(),
      () => this.put(this.pick(['true', 'false', 'null'])),
    ]);
  }

  /** An operand that is a unit of its own: names, literals, calls, lists, parentheses. */
  private unit(depth: number): void {
    if (depth <= 0) {
      this.one([() => this.put(this.pick(['a', 'b', 'amount', 'mode', 'x_1'])), () => this.put('5'), () => this.duration(), () => this.text()]);
      return;
    }
    this.one([
      () => this.unit(0),
      () => { this.put(this.pick(['a', 'b', 'prev'])); this.put('.', this.pick(NAMES)); this.maybe(() => { this.put('['); this.expr(1); this.put(']'); }, 0.2); },
      () => { this.put('('); this.expr(depth - 1); this.put(')'); },
      () => { this.put('['); this.list(0, 4, () => this.expr(depth - 1)); this.put(']'); },
      () => { this.put('sum', '('); this.expr(depth - 1); this.maybe(() => { this.put('where'); this.expr(1); }, 0.3); this.put(')'); },
      () => { this.put('count', '(', 'where'); this.unit(depth - 1); this.put(')'); },
      () => { this.put('any', '('); this.unit(depth - 1); this.put(',', 'x', '=>'); this.expr(depth - 1); this.put(')'); },
      () => { this.put('replace', '('); this.unit(0); this.put(',', this.pick(['/a/', '/[/]\\//i']), ',', '"b"', ')'); },
      () => { this.put('last', '(', 'a', ')', '.', 'f'); },
    ]);
  }

  private expr(depth: number): void {
    if (depth <= 0) return this.unit(0);
    this.one([
      () => this.unit(depth),
      () => { this.unit(depth - 1); this.times(1, 4, () => { this.put(this.pick(['+', '-', '*', '/', '%', '??'])); this.maybe(() => this.put('-'), 0.2); this.unit(depth - 1); }); },
      () => { this.test_(depth); this.times(1, 4, () => { this.put(this.pick(['and', 'or'])); this.maybe(() => this.put('not'), 0.2); this.test_(depth - 1); }); },
      () => this.test_(depth),
      () => { this.put('if'); this.test_(depth - 1); this.put('then'); this.unit(depth - 1); this.put('else'); this.unit(depth - 1); },
    ]);
  }

  private test_(depth: number): void {
    const not = (): void => this.maybe(() => this.put('not'), 0.3);
    this.unit(depth - 1);
    this.one([
      () => { this.put(this.pick(['==', '!=', '<', '<=', '>', '>='])); this.unit(depth - 1); },
      () => { not(); this.put('in'); this.unit(depth - 1); },
      () => { not(); this.put('like', '"%a_"'); },
      () => { not(); this.put('matches', '/^a+b$/i'); },
      () => { not(); this.put('between'); this.unit(0); this.put('and'); this.unit(0); },
      () => { this.put('is'); not(); this.put('null'); },
    ]);
  }
}
