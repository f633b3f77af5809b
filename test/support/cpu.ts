/** ms of processor time that `work` takes in this process: unlike the time of the clock, nearly the same on a busy machine. */
export function cpuTime(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
