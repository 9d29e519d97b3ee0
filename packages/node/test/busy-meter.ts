/**
 * Measures how long an event loop is kept from turning, in CPU time of its thread: unlike a clock on the wall it does not
 * count what other processes take from a busy machine.
 */
export function busyMeter(): { stop(): number } {
  const spent = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let before = spent();
  let longest = 0;
  const turn = () => {
    const now = spent();
    longest = Math.max(longest, now - before);
    before = now;
  };
  const timer = setInterval(turn, 1);
  return {
    /** Milliseconds of the longest stretch between two turns. */
    stop: () => {
      clearInterval(timer);
      turn();
      return longest;
    },
  };
}
