import type { Expr } from '../ast.ts';

/** Calls `visit` on each bare name of an expression, also on that before a `.`; `enter` says of a call whether its arguments are looked at. */
export function visitNames(expr: Expr | undefined, visit: (name: string) => void, enter: (call: Extract<Expr, { kind: 'call' }>) => boolean = () => true): void {
  const look = (part: Expr | undefined): void => visitNames(part, visit, enter);
  if (expr === undefined) return;
  switch (expr.kind) {
    case 'name': visit(expr.name); break;
    case 'member': look(expr.object); break;
    case 'index': look(expr.object); look(expr.index); break;
    case 'call':
      if (!enter(expr)) break;
      for (const arg of expr.args) {
        if (arg.kind === 'lambda') visitNames(arg.body, (name) => { if (name !== arg.param.text) visit(name); }, enter);
        else {
          if (arg.kind === 'value') look(arg.value);
          look(arg.where);
        }
      }
      break;
    case 'list': expr.items.forEach(look); break;
    case 'record': expr.fields.forEach((field) => look(field.value)); break;
    case 'unary': look(expr.operand); break;
    case 'binary': look(expr.left); look(expr.right); break;
    case 'in': look(expr.value); look(expr.options); break;
    case 'like': case 'matches': look(expr.value); look(expr.pattern); break;
    case 'between': look(expr.value); look(expr.lo); look(expr.hi); break;
    case 'isNull': look(expr.value); break;
    case 'if': look(expr.cond); look(expr.then); look(expr.else); break;
    case 'paren': look(expr.inner); break;
    default: break;
  }
}
