/** Returns the value below which such a share of the values lies, interpolated. */
export function quantile(/** @type {readonly number[]} */ values, /** @type {number} */ share) {
  if (values.length === 0) throw new Error('No values, no quantile')
  const sorted = values.toSorted((a, b) => a - b)
  const position = (sorted.length - 1) * share
  const below = Math.floor(position)
  const above = Math.ceil(position)
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below)
}

/** Returns the middle value. */
export function median(/** @type {readonly number[]} */ values) {
  return quantile(values, 0.5)
}

/**
 * Returns the median and the quartiles around it.
 *
 * @param {readonly number[]} values
 * @returns {{ value: number, low: number, high: number }}
 */
export function spread(values) {
  return { value: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75) }
}

/**
 * Returns the ratios of two contenders round by round. What disturbs a round disturbs both, so the ratio of a round is worth more
 * than that of two medians.
 *
 * @param {readonly number[]} costs
 * @param {readonly number[]} yardstick
 */
export function ratios(costs, yardstick) {
  if (costs.length !== yardstick.length) throw new Error(`${costs.length} rounds cannot be compared with ${yardstick.length}`)
  return costs.map((cost, round) => cost / yardstick[round])
}
