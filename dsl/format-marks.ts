import type { Clause, Declaration, FieldDecl, KeyExpr, OutField, Pattern, RuleDecl, Span, TestDecl, TestStep, TypeExpr, WindowShape } from './ast.ts';
import type { Brackets } from './format-blocks.ts';
import { MarkerBase, type Mark } from './format-marks-base.ts';
import { Keyword, LBrace, RBrace } from './tokens.ts';

/** Lines of declarations and alerts up to this width are not spread over several. */
const COMPACT_WIDTH = 80;
/** The same for the data of tests. */
const DATA_WIDTH = 100;

const HEADINGS = new Set<Clause['kind']>(['title', 'description', 'owner', 'runbook', 'severity', 'tags', 'version', 'mode', 'evidence', 'keep', 'limit']);
const CORE = new Set<Clause['kind']>(['by', 'on', 'match']);

/** Decides from the syntax tree how each token of a file stands to the one before. */
export class Marker extends MarkerBase {
  run(): Mark[] {
    this.tokens.forEach((token, index) => this.punctuation(token, index));
    let previousCompact = false;
    for (const declaration of this.file.declarations) {
      const first = this.at(declaration.span.start);
      const compact = this.declaration(declaration);
      this.line(first, 0, 0, compact && previousCompact ? 'keep' : 'one');
      previousCompact = compact;
    }
    return this.marks;
  }

  // ---- declarations; each returns whether it stands on one line ----

  private declaration(declaration: Declaration): boolean {
    const { span } = declaration;
    switch (declaration.kind) {
      case 'use':
        return true;
      case 'event': {
        if (declaration.each !== undefined) {
          this.expr(declaration.each.source, 1);
          return this.outFields(declaration.each.fields, this.braceBehind(declaration.each.source.span), 0, span, COMPACT_WIDTH);
        }
        if (declaration.once !== undefined) this.expr(declaration.once, 1);
        return this.fields(declaration.fields, this.braceBehind((declaration.base ?? declaration.name).span), 0, span);
      }
      case 'param':
        this.type(declaration.type, 0, declaration.span);
        this.expr(declaration.value, 1);
        if (declaration.bounds !== undefined) {
          this.expr(declaration.bounds.lo, 1);
          this.expr(declaration.bounds.hi, 1);
        }
        return true;
      case 'const':
        this.expr(declaration.value, 1);
        return true;
      case 'fn':
        this.tight(this.at(declaration.name.span.end));
        for (const param of declaration.params) this.type(param.type, 0, declaration.span);
        this.expr(declaration.body, 1);
        return true;
      case 'table':
        return this.fields(declaration.columns, this.braceBehind(declaration.name.span), 0, span);
      case 'feature':
        this.feature(declaration);
        return true;
      case 'rule':
        this.rule(declaration);
        return false;
      case 'test':
        this.test(declaration);
        return false;
    }
  }

  private feature(feature: Extract<Declaration, { kind: 'feature' }>): void {
    this.expr(feature.value, 1);
    if (feature.where !== undefined) this.expr(feature.where, 1);
    for (const [index, key] of (feature.by ?? []).entries()) this.key(key, index);
    const [by] = feature.by ?? [];
    if (by !== undefined) this.soft(this.at(by.span.start) - 1, 0);
    for (const duration of [feature.over, feature.every]) {
      if (duration === undefined) continue;
      this.expr(duration, 1);
      this.soft(this.at(duration.span.start) - 1, 0);
    }
    if (feature.where !== undefined) this.soft(this.at(feature.where.span.start) - 1, 0);
  }

  /** `{ name: type, … }` at an indent. Spread over lines, the fields need no commas. Returns whether it stands on one line. */
  private fields(fields: readonly FieldDecl[], open: number, indent: number, whole: Span): boolean {
    for (const field of fields) this.type(field.type, indent + 1);
    const block = this.block(open, fields);
    this.addCommas(block);
    if (this.isCompact(block, whole, indent, COMPACT_WIDTH)) return true;
    for (const last of block.lasts) delete this.mark(last).comma;
    const group = this.newGroup();
    for (const [index, field] of fields.entries()) {
      this.line(block.firsts[index]!, indent + 1, indent + 1, index === 0 ? 'none' : 'keep');
      this.mark(this.at(field.type.span.start)).column = group;
      this.type(field.type, indent + 1, field.span);
    }
    this.line(block.close, indent, indent + 1, 'none');
    return false;
  }

  private outFields(fields: readonly OutField[], open: number, indent: number, whole: Span, width: number): boolean {
    for (const field of fields) if (field.value !== undefined) this.expr(field.value, 1);
    const block = this.block(open, fields);
    this.addCommas(block);
    if (this.isCompact(block, whole, indent, width)) {
      for (const first of block.firsts) this.soft(first, 1, true);
      return true;
    }
    const group = this.newGroup();
    for (const [index, field] of fields.entries()) {
      this.line(block.firsts[index]!, indent + 1, indent + 1, index === 0 ? 'none' : 'keep');
      if (field.value !== undefined) this.mark(this.at(field.value.span.start)).column = group;
    }
    this.line(block.close, indent, indent + 1, 'none');
    return false;
  }

  // ---- types ----

  /** Without `whole` (the field that the type belongs to): on one line. With it: spread over lines where it is too wide. */
  private type(type: TypeExpr, indent: number, whole?: Span): void {
    if (type.optional) this.tight(this.at(type.span.end) - 1);
    switch (type.kind) {
      case 'time':
        if (this.tokens[this.at(type.span.start) + 1]?.image === '(') this.tight(this.at(type.span.start) + 1);
        return;
      case 'list':
        return this.type(type.element, indent, whole);
      case 'record': {
        const open = this.at(type.span.start);
        if (whole !== undefined) {
          this.fields(type.fields, open, indent, whole);
          return;
        }
        for (const field of type.fields) this.type(field.type, indent + 1);
        this.addCommas(this.block(open, type.fields));
        return;
      }
      default:
    }
  }

  // ---- rules ----

  private rule(rule: RuleDecl): void {
    const open = this.braceBehind(rule.name.span);
    const close = this.at(rule.span.end) - 1;
    let first = true;
    let run = '';
    let group = '';
    for (const clause of rule.clauses) {
      const start = this.at(clause.span.start);
      const indent = clause.kind === 'stage' ? 2 : 1;
      this.line(start, indent, indent, first ? 'none' : 'keep');
      first = false;
      const runHere = HEADINGS.has(clause.kind) ? 'heading' : CORE.has(clause.kind) ? 'core' : clause.kind;
      if (runHere !== run) group = this.newGroup();
      run = runHere;
      this.clause(clause, start, group);
    }
    this.closingLine(open, close);
  }

  /** The `}` of a rule or a test: on its own line unless there is nothing inside. */
  private closingLine(open: number, close: number): void {
    const commented = this.commentsIn(this.tokens[open]!.startOffset, this.tokens[close]!.startOffset).length > 0;
    if (close > open + 1 || commented) this.line(close, 0, 1, 'none');
  }

  private clause(clause: Clause, start: number, group: string): void {
    const { span } = clause;
    switch (clause.kind) {
      case 'title': case 'description': case 'owner': case 'runbook': case 'evidence': case 'version':
        this.mark(start + 1).column = group;
        return;
      case 'tags':
        this.mark(start + 1).column = group;
        for (const tag of clause.tags.slice(1)) this.soft(this.at(tag.span.start), 0, true);
        return;
      case 'mode':
        this.mark(start + 1).column = group;
        if (clause.mode === 'canary') this.tight(start + 3);
        return;
      case 'severity':
        this.mark(start + 1).column = group;
        return this.expr(clause.value, 1);
      case 'by':
        this.mark(start + 1).column = group;
        for (const [index, key] of clause.keys.entries()) this.key(key, index);
        return;
      case 'on':
        this.mark(start + 1).column = group;
        for (const [index, input] of clause.inputs.entries()) {
          if (index > 0) this.soft(this.at(input.span.start), 0);
          if (input.where !== undefined) this.expr(input.where, 1);
        }
        return;
      case 'match':
        this.mark(start + 1).column = group;
        return this.match(clause);
      case 'stage':
        return this.stage(clause, group);
      case 'having':
        return this.expr(clause.cond, 0);
      case 'window':
        return this.window(clause.shape);
      case 'trigger': {
        const amount = clause.what.kind === 'early' ? clause.what.every : clause.what.kind === 'events' ? clause.what.count : undefined;
        if (amount !== undefined) this.expr(amount, 1);
        return;
      }
      case 'late':
        return this.expr(clause.within, 1);
      case 'alert': case 'emit': {
        const target = clause.kind === 'alert' ? clause.channel : clause.type;
        this.outFields(clause.fields, this.at(target.span.end), 1, span, COMPACT_WIDTH);
        return;
      }
      case 'keep':
        this.mark(start + 1).column = group;
        return this.expr(clause.count, 1);
      case 'limit':
        this.mark(start + 1).column = group;
        for (const part of [clause.count, clause.per, clause.by]) if (part !== undefined) this.expr(part, 1);
        return;
    }
  }

  private window(shape: WindowShape): void {
    const parts = shape.kind === 'tumbling' ? [shape.size, shape.offset] : shape.kind === 'session' ? [shape.gap, shape.max]
      : shape.kind === 'sliding' || shape.kind === 'count' ? [shape.size, shape.every] : [];
    for (const part of parts) if (part !== undefined) this.expr(part, 1);
    const second = parts[1];
    if (second !== undefined) this.soft(this.at(second.span.start) - 1, 0);
  }

  private key(key: KeyExpr, index: number): void {
    if (index > 0) this.soft(this.at(key.span.start), 0, true);
    if (key.value !== undefined) this.expr(key.value, 1);
    for (const [place, alternative] of key.alternatives.entries()) {
      if (place > 0) this.soft(this.at(alternative.of.span.start), 1, true);
      this.expr(alternative.value, 2);
    }
  }

  private match(clause: Extract<Clause, { kind: 'match' }>): void {
    this.pattern(clause.pattern, 1);
    const tail = this.at(clause.pattern.span.end);
    const end = this.at(clause.span.end);
    for (const bound of [clause.within, clause.session, clause.gap]) if (bound !== undefined) this.expr(bound, 2);
    for (const name of clause.without.slice(1)) this.soft(this.at(name.span.start), 1, true);
    for (let index = tail; index < end; index++) {
      const type = this.tokens[index]!.tokenType;
      if ((type === Keyword.within || type === Keyword.without || type === Keyword.gap) && !this.insideOf(index, clause)) this.soft(index, 0, true);
    }
    if (clause.skip !== undefined) this.soft(this.at(clause.skip.span.start), 0, true);
  }

  /** The token belongs to a bound's expression (a param may be called `gap`). */
  private insideOf(index: number, clause: Extract<Clause, { kind: 'match' }>): boolean {
    const offset = this.tokens[index]!.startOffset;
    return [clause.within, clause.session, clause.gap].some((bound) => bound !== undefined && offset >= bound.span.start && offset < bound.span.end)
      || clause.without.some((name) => name.span.start === offset);
  }

  private pattern(pattern: Pattern, level: number): void {
    switch (pattern.kind) {
      case 'stageRef':
        return;
      case 'sequence':
        for (const item of pattern.items) {
          if (item.arrowSpan !== undefined) this.soft(this.at(item.arrowSpan.start), level, true);
          this.pattern(item.pattern, level + 1);
        }
        return;
      case 'or': case 'and':
        for (const [index, operand] of pattern.operands.entries()) {
          if (index > 0) this.soft(this.find(pattern.kind, pattern.operands[index - 1]!.span.end), level, true);
          this.pattern(operand, level + 1);
        }
        return;
      case 'not':
        if (pattern.for !== undefined) this.expr(pattern.for, level + 1);
        return this.pattern(pattern.inner, level + 1);
      case 'quantified': {
        this.pattern(pattern.inner, level + 1);
        this.tight(this.at(pattern.inner.span.end));
        if (pattern.quantifier !== '{}') return;
        for (const count of [pattern.min, pattern.max]) {
          if (count === undefined) continue;
          this.expr(count, level + 2);
          this.tight(this.at(count.span.start));
        }
        this.tight(this.at((pattern.max ?? pattern.min)!.span.end));
        if (pattern.max === undefined) this.tight(this.find('}', pattern.min!.span.end));
        return;
      }
    }
  }

  private stage(stage: Extract<Clause, { kind: 'stage' }>, group: string): void {
    const type = this.at(stage.types[0]!.span.start);
    this.mark(type).column = group;
    for (const part of [stage.where, stage.until]) {
      if (part === undefined) continue;
      this.expr(part, 1);
      this.soft(this.at(part.span.start) - 1, 0, true);
    }
    if (stage.within !== undefined) {
      this.expr(stage.within.duration, 1);
      this.soft(this.at(stage.within.span.start), 0, true);
    }
  }

  // ---- tests ----

  private test(test: TestDecl): void {
    const open = this.braceBehind(test.rules.at(-1)!.span);
    let group = this.newGroup();
    let previous: TestStep['kind'] | undefined;
    for (const [index, step] of test.steps.entries()) {
      this.line(this.at(step.span.start), 1, 1, index === 0 ? 'none' : 'keep');
      if (step.kind !== previous) group = this.newGroup();
      previous = step.kind;
      this.step(step, group);
    }
    this.closingLine(open, this.at(test.span.end) - 1);
  }

  private step(step: TestStep, group: string): void {
    switch (step.kind) {
      case 'with':
        return this.expr(step.value, 0);
      case 'table': {
        const rows = this.rows(step);
        const compact = this.isCompact(rows, step.span, 1, DATA_WIDTH);
        if (compact) return;
        for (const [index, first] of rows.firsts.entries()) this.line(first, 2, 2, index === 0 ? 'none' : 'keep');
        this.line(rows.close, 1, 2, 'none');
        return;
      }
      case 'event':
        this.expr(step.at, 1);
        this.mark(this.at(step.type.span.start)).column = group;
        this.mark(this.at(step.type.span.start)).wide = true;
        this.outFields(step.fields, this.at(step.type.span.end), 1, step.span, DATA_WIDTH);
        return;
      case 'advance':
        return this.expr(step.at, 1);
      case 'expect': {
        this.expr(step.at, 1);
        const open = this.at(step.at.span.end);
        if (open < this.at(step.span.end) && this.tokens[open]!.tokenType === LBrace) this.outFields(step.fields, open, 1, step.span, DATA_WIDTH);
        return;
      }
      case 'expectNothing':
        return;
    }
  }

  private rows(step: Extract<TestStep, { kind: 'table' }>): Brackets {
    const open = this.braceBehind(step.name.span);
    const rows: { span: Span }[] = [];
    const close = this.at(step.span.end) - 1;
    let depth = 0;
    for (let index = open + 1; index < close; index++) {
      const token = this.tokens[index]!;
      if (token.tokenType === LBrace && depth++ === 0) rows.push({ span: { file: this.file.path, start: token.startOffset, end: token.startOffset } });
      if (token.tokenType === RBrace && --depth === 0) rows[rows.length - 1]!.span = { ...rows.at(-1)!.span, end: token.startOffset + 1 };
    }
    for (const [index, fields] of step.rows.entries()) {
      const row = rows[index]!;
      for (const field of fields) if (field.value !== undefined) this.expr(field.value, 1);
      this.addCommas(this.block(this.at(row.span.start), fields));
    }
    const block = this.block(open, rows);
    this.addCommas(block);
    return block;
  }
}
