import type { Expr } from '../../typed.ts';
import type { Check } from './finished.ts';

/** A bound that another always ends first. */
export const boundsWithoutEffect: Check = ({ rule: { match }, report, shape }) => {
  const within = msOf(match.within);
  if (within === undefined) return;
  const gap = msOf(match.gap);
  if (gap !== undefined && gap >= within) {
    report.add('no-effect', match.gap!.span, 'This gap has no effect: `within` is over before it.', { hint: 'make it shorter, or leave it out' });
  }
  const session = msOf(match.session);
  if (session !== undefined && session >= within) {
    report.add('no-effect', match.session!.span, 'The session has no effect: `within` is over before such a pause.', { hint: 'make it shorter, or leave it out' });
  }
  for (const stage of match.stages.values()) {
    const own = msOf(stage.within?.duration);
    if (own === undefined || own < within || stage.banned) continue;
    report.add('no-effect', shape.stages.get(stage.name)!.def.within!.span, `This bound of "${stage.name}" has no effect: the pattern's own \`within\` is over before it.`, { hint: 'make it shorter, or leave it out' });
  }
};

function msOf(expr: Expr | undefined): number | undefined {
  return expr?.kind === 'literal' && typeof expr.value === 'number' ? expr.value : undefined;
}
