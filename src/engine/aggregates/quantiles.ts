/**
 * Quantiles by DDSketch (Masson, Rim and Lee, VLDB 12(12), 2019): a value is counted in the bucket of its logarithm, so that whatever quantile is read is
 * within QUANTILE_ERROR of the value it stands for, relative to it. Buckets are entries of a bag: they can be added, taken off and put together. No bucket is
 * ever joined with another, so that the error holds for all values; values that span six orders of magnitude fill 700 buckets at most.
 */
export const QUANTILE_ERROR = 0.01;

const GAMMA = (1 + QUANTILE_ERROR) / (1 - QUANTILE_ERROR);
const PER_LOG = 1 / Math.log(GAMMA);
/** More than any bucket of a number is from 0: buckets of positive values are above 0, of negative ones below, and in the order of the values. */
const MIDDLE = 40_000;

export function bucketOf(value: number): number {
  if (value === 0) return 0;
  const bucket = MIDDLE + Math.ceil(Math.log(Math.abs(value)) * PER_LOG);
  return value < 0 ? -bucket : bucket;
}

/** The value that stands for a bucket. */
export function bucketValue(bucket: number): number {
  if (bucket === 0) return 0;
  const size = Math.exp((Math.abs(bucket) - MIDDLE) / PER_LOG) * 2 / (GAMMA + 1);
  return bucket < 0 ? -size : size;
}

/** The place (from 0, in order) of the value that is the percentile of n: the lower one where it falls between two. */
export const rankOf = (percentile: number, n: number): number => Math.floor(percentile / 100 * (n - 1));
