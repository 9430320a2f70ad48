const open = new Set<unknown>()

const { setInterval: begin, clearInterval: end } = globalThis

// A transport's timers do not hold the process, so nothing but this would notice one that is left.
globalThis.setInterval = ((...args: Parameters<typeof begin>) => {
  const timer = begin(...args)
  open.add(timer)
  return timer
}) as typeof begin

globalThis.clearInterval = ((timer: Parameters<typeof end>[0]) => {
  open.delete(timer)
  end(timer)
}) as typeof end

/** How many intervals were started, and not ended. */
export function openIntervals(): number {
  return open.size
}
