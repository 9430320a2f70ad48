/**
 * Returns the microseconds of CPU that this process spends on something, its garbage collection included. On a busy machine the clock
 * on the wall says little.
 */
export function cpuMicroseconds(/** @type {() => void} */ act) {
  const before = process.cpuUsage()
  act()
  return cpuSince(before)
}

/** Returns the microseconds of CPU since then. */
export function cpuSince(/** @type {NodeJS.CpuUsage} */ before) {
  const { user, system } = process.cpuUsage(before)
  return user + system
}
