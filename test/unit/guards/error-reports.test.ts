import { afterEach, describe, expect, it, vi } from 'vitest'
import { ErrorReports } from '../../../src/guards/error-reports.ts'

const warnings = () => vi.spyOn(console, 'warn').mockImplementation(() => {})

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

describe('error reports', () => {
  it('go to onError, and are not printed', () => {
    const warn = warnings()
    const errors: unknown[] = []

    new ErrorReports((error) => void errors.push(error), 'recovery', '`snapshot`').tell('broken')

    expect(errors).toEqual(['broken'])
    expect(warn).not.toHaveBeenCalled()
  })

  it('are printed if there is no onError, but only the first one', () => {
    const warn = warnings()
    const reports = new ErrorReports(undefined, 'recovery', '`snapshot`')

    reports.tell('first')
    reports.tell('second')

    expect(warn.mock.calls).toEqual([[expect.stringContaining('`snapshot` failed'), 'first']])
  })

  it('that are printed in any case do not say that onError gets them', () => {
    const warn = warnings()
    const reports = new ErrorReports(undefined, 'recovery', '`snapshot`')

    reports.print('its clock', 'no time')
    reports.tell('broken')

    expect(warn.mock.calls).toEqual([
      ['stream-connection-manager/recovery: its clock failed. Further errors are not printed.', 'no time'],
      ['stream-connection-manager/recovery: `snapshot` failed. `onError` gets such errors. Further errors are not printed.', 'broken'],
    ])
  })

  it('are printed if onError throws', () => {
    const warn = warnings()
    const thrown = new Error('onError is broken too')

    new ErrorReports(() => { throw thrown }, 'recovery', '`snapshot`').tell('broken')

    expect(warn.mock.calls).toEqual([[expect.stringContaining('recovery: its `onError` failed'), thrown]])
  })

  it.each([
    ['no console', undefined],
    ['a console that is null', null],
    ['a console without warn', {}],
    ['a console that throws', { warn: () => { throw new Error('no output') } }],
  ])('throw nothing with %s', (_case, console) => {
    vi.stubGlobal('console', console)

    expect(() => new ErrorReports(undefined, 'recovery', '`snapshot`').tell('broken')).not.toThrow()
  })
})
