/**
 * The candidate an author most likely meant when they wrote `name`, or undefined when none is close.
 * Close is: at most a third of the longer name's letters are edits (insert, delete, replace, swap of neighbours; a change of case is a third of one),
 * and at least one. Of equally close candidates the first given wins.
 */
export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    if (candidate === name) continue;
    const bound = Math.max(1, Math.floor(Math.max(name.length, candidate.length) / 3));
    if (Math.abs(name.length - candidate.length) > bound) continue;
    if (Math.min(name.length, candidate.length) < 2 && name.toLowerCase() !== candidate.toLowerCase()) continue;
    const distance = editDistance(name, candidate);
    if (distance <= bound && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

const CASE_CHANGE = 1 / 3;

/** Damerau-Levenshtein distance (optimal string alignment). Letters that differ only in case cost a third of an edit. */
export function editDistance(from: string, to: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      let cost = previous[column - 1]! + replacementCost(from[row - 1]!, to[column - 1]!);
      cost = Math.min(cost, previous[column]! + 1, current[column - 1]! + 1);
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        cost = Math.min(cost, beforePrevious[column - 2]! + 1);
      }
      current.push(cost);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[to.length]!;
}

function replacementCost(a: string, b: string): number {
  if (a === b) return 0;
  return a.toLowerCase() === b.toLowerCase() ? CASE_CHANGE : 1;
}
