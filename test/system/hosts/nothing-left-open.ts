import { after } from 'node:test'

const PATIENCE_MS = 10_000

/** Fails the file that calls it when something still holds its process some time after the last test: a server or a socket was left open. */
export function expectNothingLeftOpen(): void {
  after(() => {
    const timer = setTimeout(() => {
      console.error('Left open:', process.getActiveResourcesInfo())
      process.exit(1)
    }, PATIENCE_MS)
    timer.unref()
  })
}
