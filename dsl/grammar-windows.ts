import type { IToken, ParserMethod } from 'chevrotain';
import type { Clause, Expr, TriggerClause, WindowClause, WindowShape } from './ast.ts';
import { PatternGrammar } from './grammar-patterns.ts';
import { stringValue } from './lexer.ts';
import { found } from './syntax-errors.ts';
import { didYouMean } from './suggest.ts';
import { DurationLiteral, Keyword, NumberLiteral, RBrace, Reserved, StringLiteral } from './tokens.ts';

const SHAPES = ['tumbling', 'sliding', 'session', 'count', 'global'];

/** What windows are called elsewhere. */
const FOREIGN_SHAPES: ReadonlyMap<string, string> = new Map([
  ['hopping', 'sliding 1h every 5m'], ['hop', 'sliding 1h every 5m'], ['rolling', 'sliding 1h'], ['fixed', 'tumbling 1h'], ['batch', 'tumbling 1h'], ['time', 'tumbling 1h'], ['length', 'count 100'], ['every', 'tumbling 1h'],
  ['hour', 'tumbling 1h'], ['day', 'tumbling day in "Europe/Berlin"'], ['week', 'tumbling week'], ['month', 'tumbling month'],
]);

/** Spans of the calendar, in other words. */
const CALENDAR: ReadonlyMap<string, string> = new Map([['days', 'day'], ['daily', 'day'], ['weeks', 'week'], ['weekly', 'week'], ['months', 'month'], ['monthly', 'month']]);

/** `window`, `trigger` and `late within`: section 6 of the language. */
export abstract class WindowGrammar extends PatternGrammar {
  protected readonly windowClause: ParserMethod<[], WindowClause> = this.RULE('windowClause', () => {
    const start = this.CONSUME(Keyword.window);
    this.ACTION(() => this.refuseUnknownShape());
    const shape = this.OR({
      DEF: [
        { ALT: () => this.SUBRULE(this.tumbling) },
        { ALT: () => this.SUBRULE(this.sliding) },
        { ALT: () => this.SUBRULE(this.sessions) },
        { ALT: () => this.SUBRULE(this.counted) },
        { ALT: (): WindowShape => {
          this.CONSUME(Keyword.global);
          return { kind: 'global' };
        } },
      ],
      ERR_MSG: 'tumbling, sliding, session, count or global',
    });
    return this.ACTION((): WindowClause => ({ kind: 'window', shape, span: this.spanFrom(start) }));
  });

  private refuseUnknownShape(): void {
    const next = this.LA(1);
    if (SHAPES.includes(next.image)) return;
    const what = `expected the kind of window: tumbling, sliding, session, count or global, found ${found(next)}`;
    const like = didYouMean(next.image, SHAPES);
    const foreign = FOREIGN_SHAPES.get(next.image.toLowerCase());
    this.fail('syntax', next, what, like !== undefined ? `did you mean '${like}'?`
      : foreign !== undefined ? `write window ${foreign}`
        : next.tokenType === DurationLiteral ? `write window tumbling ${next.image}, or window sliding ${next.image}`
          : next.tokenType === NumberLiteral ? `write window count ${next.image}` : undefined);
  }

  /** What stands in place of a window's length, and is none. */
  private refuseNoLength(): void {
    const next = this.LA(1);
    const kind = this.LA(0).image;
    const unit = CALENDAR.get(next.image.toLowerCase());
    if (unit !== undefined && !this.startsStage()) this.fail('syntax', next, `expected a duration, day, week or month, found '${next.image}'`, `did you mean '${unit}'?`);
    const isLength = !this.isNext(RBrace) && !(this.firstOnLine() && this.isClauseWord(next)) && !(next.tokenType === Keyword.every && this.LA(2).tokenType === DurationLiteral);
    if (!isLength) this.fail('syntax', next, `expected how long the window is, found ${found(next)}`, `write window ${kind} 1h${next.tokenType === Keyword.every ? ` every ${this.LA(2).image}` : ''}`);
  }

  private readonly tumbling: ParserMethod<[], WindowShape> = this.RULE('tumblingWindow', () => {
    this.CONSUME(Keyword.tumbling);
    this.ACTION(() => this.refuseNoLength());
    return this.OR({ ERR_MSG: 'a duration, day, week or month', DEF: [
      { ALT: () => this.SUBRULE(this.calendar, { ARGS: [this.CONSUME(Keyword.day)] }) },
      { ALT: () => this.SUBRULE1(this.calendar, { ARGS: [this.CONSUME(Keyword.week)] }) },
      { ALT: () => this.SUBRULE2(this.calendar, { ARGS: [this.CONSUME(Keyword.month)] }) },
      { IGNORE_AMBIGUITIES: true, ALT: (): WindowShape => {
        const size = this.SUBRULE(this.duration);
        const offset = this.OPTION({
          GATE: () => !this.startsStage(),
          DEF: () => {
            this.CONSUME(Keyword.offset);
            return this.SUBRULE1(this.duration);
          },
        });
        return { kind: 'tumbling', size, ...(offset !== undefined && { offset }) };
      } },
    ] });
  });

  private readonly calendar: ParserMethod<[unit: IToken], WindowShape> = this.RULE('calendarWindow', (unit: IToken) => {
    const zone = this.OPTION(() => {
      this.CONSUME(Reserved.in);
      this.ACTION(() => {
        if (!this.isNext(StringLiteral)) this.fail('syntax', this.LA(1), `expected the name of a time zone, found ${found(this.LA(1))}`, `write it as text: tumbling ${unit.image} in "Europe/Berlin"`);
      });
      return this.CONSUME(StringLiteral);
    });
    return this.ACTION((): WindowShape => {
      if (this.isNext(Keyword.offset) && !this.startsStage()) {
        this.fail('syntax', this.LA(1), `a ${unit.image} of the calendar takes no offset: it begins at midnight of its zone`, 'name the zone, or write window tumbling 24h offset 6h');
      }
      return { kind: 'calendar', unit: unit.image as 'day', ...(zone !== undefined && { zone: { text: stringValue(zone), span: this.place(zone) } }) };
    });
  });

  private readonly sliding: ParserMethod<[], WindowShape> = this.RULE('slidingWindow', (): WindowShape => {
    this.CONSUME(Keyword.sliding);
    this.ACTION(() => this.refuseNoLength());
    const size = this.SUBRULE(this.duration);
    const every = this.OPTION({
      GATE: () => !this.startsStage(),
      DEF: () => {
        this.CONSUME(Keyword.every);
        return this.SUBRULE1(this.duration);
      },
    });
    return { kind: 'sliding', size, ...(every !== undefined && { every }) };
  });

  private readonly sessions: ParserMethod<[], WindowShape> = this.RULE('sessionWindow', (): WindowShape => {
    this.CONSUME(Keyword.session);
    this.ACTION(() => {
      if (!this.isNext(Keyword.gap)) this.fail('syntax', this.LA(1), `expected 'gap' and the pause that ends a session, found ${found(this.LA(1))}`, `write session gap ${this.LA(1).tokenType === DurationLiteral ? this.LA(1).image : '30m'}`);
    });
    this.CONSUME(Keyword.gap);
    const gap = this.SUBRULE(this.duration);
    const max = this.OPTION({
      GATE: () => !this.startsStage(),
      DEF: () => {
        this.CONSUME(Keyword.max);
        return this.SUBRULE1(this.duration);
      },
    });
    return { kind: 'session', gap, ...(max !== undefined && { max }) };
  });

  private readonly counted: ParserMethod<[], WindowShape> = this.RULE('countWindow', (): WindowShape => {
    this.CONSUME(Keyword.count);
    const size = this.SUBRULE(this.expression);
    this.ACTION(() => {
      if (this.isNext(Keyword.events) && !this.startsStage()) this.fail('syntax', this.LA(1), "a window of a count is one of events anyway, found 'events'", `write window count ${this.written(size)}`);
    });
    const every = this.OPTION({
      GATE: () => !this.startsStage(),
      DEF: () => {
        this.CONSUME(Keyword.every);
        return this.SUBRULE1(this.expression);
      },
    });
    return { kind: 'count', size, ...(every !== undefined && { every }) };
  });

  protected readonly triggerClause: ParserMethod<[], TriggerClause> = this.RULE('triggerClause', () => {
    const start = this.CONSUME(Keyword.trigger);
    this.ACTION(() => this.refuseUnknownTrigger());
    const what = this.OR({
      DEF: [
        { ALT: (): TriggerClause['what'] => {
          const early = this.CONSUME(Keyword.early);
          this.CONSUME(Keyword.every);
          const every = this.OR1({ ERR_MSG: "a duration, or 'event'", DEF: [
            { ALT: (): TriggerClause['what'] => {
              this.CONSUME(Keyword.event);
              return { kind: 'events' };
            } },
            { IGNORE_AMBIGUITIES: true, ALT: (): TriggerClause['what'] => {
              const amount = this.SUBRULE(this.expression);
              const events = this.OPTION({ GATE: () => !this.startsStage(), DEF: () => this.CONSUME(Keyword.events) });
              return events === undefined ? { kind: 'early', every: amount } : { kind: 'events', count: amount };
            } },
          ] });
          this.ACTION(() => {
            if (every.kind === 'events') this.report('syntax', early, "'early' goes with a time", `write trigger every ${every.count === undefined ? 'event' : `${this.written(every.count)} events`}`);
          });
          return every;
        } },
        { ALT: (): TriggerClause['what'] => {
          this.CONSUME1(Keyword.every);
          return this.OR2({ ERR_MSG: "'event', or a number and 'events'", DEF: [
            { ALT: (): TriggerClause['what'] => {
              this.CONSUME1(Keyword.event);
              return { kind: 'events' };
            } },
            { IGNORE_AMBIGUITIES: true, ALT: (): TriggerClause['what'] => {
              const count = this.SUBRULE1(this.expression);
              this.ACTION(() => {
                if (this.isNext(Keyword.events) && !this.startsStage()) return;
                if (count.kind === 'duration') this.fail('syntax', count.span, 'a report after some time is an early one', `write trigger early every ${count.raw}`);
                this.fail('syntax', this.LA(1), `expected 'events', found ${found(this.LA(1))}`, `write trigger every ${this.written(count)} events`);
              });
              this.CONSUME1(Keyword.events);
              return { kind: 'events', count };
            } },
          ] });
        } },
        { ALT: (): TriggerClause['what'] => {
          this.CONSUME(Keyword.on);
          this.CONSUME(Keyword.rise);
          return { kind: 'rise' };
        } },
      ],
      ERR_MSG: "'early every 10s', 'every event', 'every 100 events' or 'on rise'",
    });
    return this.ACTION((): TriggerClause => ({ kind: 'trigger', what, span: this.spanFrom(start) }));
  });

  private refuseUnknownTrigger(): void {
    const [first, second] = [this.LA(1), this.LA(2)];
    const expected = (at: IToken, hint: string): never => this.fail('syntax', at, `expected 'early every 10s', 'every event', 'every 100 events' or 'on rise', found ${found(at)}`, hint);
    if (didYouMean(first.image, ['rise']) !== undefined || first.image === 'rise' || first.image === 'rising') expected(first, 'write trigger on rise');
    if (first.tokenType === Keyword.on && second.tokenType !== Keyword.rise) expected(second, 'write trigger on rise');
    if (first.tokenType === Keyword.early && second.tokenType === DurationLiteral) expected(second, `write trigger early every ${second.image}`);
    if (first.tokenType === Keyword.every && second.tokenType === Keyword.events) expected(second, 'write trigger every event, or trigger every 100 events');
    if (first.tokenType === DurationLiteral) expected(first, `write trigger early every ${first.image}`);
  }

  protected readonly lateClause: ParserMethod<[], Clause> = this.RULE('lateClause', () => {
    const start = this.CONSUME(Keyword.late);
    this.ACTION(() => {
      if (!this.isNext(Keyword.within)) this.fail('syntax', this.LA(1), `expected 'within' and how long a closed window is kept, found ${found(this.LA(1))}`, 'write late within 1m');
    });
    this.CONSUME(Keyword.within);
    const within = this.SUBRULE(this.duration);
    return this.ACTION((): Clause => ({ kind: 'late', within, span: this.spanFrom(start) }));
  });

  private written(expr: Expr): string {
    return this.text.slice(expr.span.start, expr.span.end);
  }
}
