/** Returns microseconds since the Unix epoch, the same in all processes of a machine. */
export function nowUs() {
  return Math.round((performance.timeOrigin + performance.now()) * 1_000)
}
