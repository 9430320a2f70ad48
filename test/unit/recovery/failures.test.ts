import { afterEach, describe, expect, it, vi } from 'vitest'
import { Failures } from '../../../src/recovery/failures.ts'

const warnings = () => vi.spyOn(console, 'warn').mockImplementation(() => {})

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

describe('the errors of a snapshot', () => {
  it('go to onError, and are not printed', () => {
    const warn = warnings()
    const errors: unknown[] = []

    new Failures((error) => void errors.push(error)).tell('broken')

    expect(errors).toEqual(['broken'])
    expect(warn).not.toHaveBeenCalled()
  })

  it('are printed if there is no onError, but only the first one', () => {
    const warn = warnings()
    const failures = new Failures(undefined)

    failures.tell('first')
    failures.tell('second')

    expect(warn.mock.calls).toEqual([[expect.stringContaining('`snapshot` failed'), 'first']])
  })

  it('are printed if onError throws', () => {
    const warn = warnings()
    const thrown = new Error('onError is broken too')

    new Failures(() => { throw thrown }).tell('broken')

    expect(warn.mock.calls).toEqual([[expect.any(String), thrown]])
  })

  it.each([
    ['no console', undefined],
    ['a console that is null', null],
    ['a console without warn', {}],
    ['a console that throws', { warn: () => { throw new Error('no output') } }],
  ])('throw nothing with %s', (_case, console) => {
    vi.stubGlobal('console', console)

    expect(() => new Failures(undefined).tell('broken')).not.toThrow()
  })
})
