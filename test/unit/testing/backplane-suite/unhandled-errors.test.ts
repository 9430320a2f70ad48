import { EventEmitter } from 'node:events'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { UnhandledErrors } from '../../../../src/testing/backplane-suite/unhandled-errors.ts'

/** Collects the errors of a runtime that has this object as its `process`. */
function errorsOf(process: object | undefined): UnhandledErrors {
  vi.stubGlobal('process', process)
  const errors = new UnhandledErrors()
  vi.unstubAllGlobals()
  return errors
}

describe('the errors that nobody handles', () => {
  afterEach(() => void vi.unstubAllGlobals())

  it('are those that the runtime reports until the end of a pause', async () => {
    const process = new EventEmitter()
    const errors = errorsOf(process)

    process.emit('unhandledRejection', 'early')
    const seen = await errors.end(async () => void process.emit('uncaughtException', 'late'))

    expect(seen).toEqual(['early', 'late'])
    expect(process.eventNames()).toEqual([])
  })

  it.each([undefined, {}, { on: () => {} }])('are none in a runtime whose process is %o', async (process) => {
    await expect(errorsOf(process).end(async () => {})).resolves.toEqual([])
  })
})
