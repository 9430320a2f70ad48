const FIRST_MS = 500
const LONGEST_MS = 15_000

/**
 * How long to wait before the next attempt to connect: about twice as long after each one that failed.
 *
 * About, so that the tabs of a server that went down do not all come back in the same moment.
 *
 * @param {number} failures in a row, 1 or more
 * @param {number} chance from 0 up to 1
 */
export function backoffMs(failures, chance) {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1))
  return Math.round(ceiling * (0.5 + chance / 2))
}
